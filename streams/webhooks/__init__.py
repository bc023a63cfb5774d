"""The webhooks: events, the rules that derive them, and the functions that make their bodies. Pure.

A webhook is declared in one module of this package: its event, a `webhook` function that makes its body and
names its triggers and both of its names, and a `derives` function that says which facts lead to it. Besides,
it takes its schema and the import of the module below. A test names whatever was forgotten.

A deployment's own webhook is declared in the same way outside of this package, as in `tests/further`.
`loyalty backfill` sends the past of a new webhook.

events         the typed events on the topic `webhook-events`
names          both names of each webhook
catalogue      `webhook`, and the catalogue of all webhooks
derivation     `derives`, and the rules by which facts lead to webhook events
event_header   the header and the customer of webhook events
shapes         shapes of bodies
legacy_shapes  shapes of legacy bodies
reward_shapes  shapes of bodies about rewards, coupons and campaigns
parts          parts that several bodies share
customers, codes, tiers, points, transactions, rewards, campaigns: bodies by subject
meanings       what each field of a body means
schema         JSON Schemas, made from the shapes
example        an example event of each webhook, and its bodies
filter_types   checks the types of a filter's values
contract       documents for receivers
"""

# An import of a module with webhooks adds them to the catalogue.
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
