"""May a role do this? IAM's evaluation of what requests with a role's temporary credentials ask for.

    session.py     whose credentials are these: a role's session, or a developer's own keys, which may do everything
    s3_asks.py     which actions on which resources a request means, with what conditions may look at
    service_asks.py
    document.py    policy documents, compiled once            condition.py, pattern.py
    decision.py    policies and an ask -> allowed, or AWS's words why not
    guard.py       puts it together: asks moto's records, refuses in the service's words, leaves a hop

Everything but the guard is pure. Records are asked once for as long as no control plane changes.
"""
