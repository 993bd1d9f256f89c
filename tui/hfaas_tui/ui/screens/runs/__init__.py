"""The third view: invocations and jobs, and everything about one of them."""
