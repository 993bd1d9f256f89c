"""The first view: what is deployed, and the dialog that invokes it."""
