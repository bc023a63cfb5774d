"""The webhooks: typed events, the catalogue, and one function per webhook that makes its body.

Pure. To add a webhook: its event in `events.py`, its schema, one decorated function, and where it comes
from in `streams.derived`. A test names whatever was forgotten. One of a deployment's own need not be among
these: `tests/further` adds one by `webhook`, `derives` and `read_also`. What happened before it was there is
told by `loyalty backfill`.
"""

# Importing a module of bodies enters them into the catalogue.
from streams.webhooks import campaigns, codes, customers, points, rewards, tiers, transactions
from streams.webhooks.catalogue import CATALOGUE, Webhook

__all__ = [
    "CATALOGUE",
    "Webhook",
    "campaigns",
    "codes",
    "customers",
    "points",
    "rewards",
    "tiers",
    "transactions",
]
