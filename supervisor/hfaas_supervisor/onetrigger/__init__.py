"""Onedata's triggers: watches a space and sends one event for each file whose upload is finished.

    stream.py      the provider's changes, each with a sequence number
    engine.py      change -> pending file -> due -> one look at it -> event      <- read this first
    provider.py    what else is asked of the Oneprovider
    targets.py     where events go: a webhook, or a Lambda Function
    state.py       what must not be forgotten: the cursor, pending files, files seen, events nobody took
    runner.py      subscribes, waits, subscribes again
    command.py     `hfaas-supervisor onetrigger`: runs for ever, or once
    scheduled.py   one poll for each Event of a scheduled Lambda Function

An event is sent at least once. The cursor moves in the same transaction as what the change led to, and a pending file
goes only when its target took the event; so a process may be killed at any moment. Work grows with the number of
changes, not of files; only the first start lists the folder.
"""
