"""What the whole API has in common, as its description tells it."""

DESCRIPTION = """A loyalty programme: members, points, transactions, rewards, and webhooks that tell of them.

**Commands** are written to Kafka and answered with what came of them: 200 or 204, 400 or 409 with the
field and the reason, 404 for a member that there is not. What is not decided within
`LOYALTY_COMMAND_WAIT` is answered 202, with where to ask. A request with an `Idempotency-Key` may be
sent again for `LOYALTY_COMMAND_MEMORY_HOURS`: it changes nothing and is answered as before. 429: as many
commands wait as may; 503: Kafka does not confirm in time. Both say when to try again.

**Reads** come from a replica of the workers' tables that each API process keeps from their changelogs,
on disk. A read waits until the replica, or for subscriptions and settings the view, has reached the end
that the topic had when it came: it shows everything that was answered before, by whichever process. A
member that is named by e-mail, phone or card number, in a path or a body, is looked up there; it is
found by a new one some milliseconds after the change.

**Deliveries** are read from a journal that each API process keeps of what was delivered, tried and given
up, for 30 days. `GET …/webhook/why` says of an event and each subscription what became of it, in one
sentence: the filter's condition that was not met, the endpoint that fails, the delivery that comes first.

**The past**: `GET …/wallet?at=` makes a balance again from the facts up to that instant. It scans the
member's partition of the events, one answer at a time, and is refused where that holds more than
`LOYALTY_HISTORY_RECORDS`.

**Filters** of a subscription are conditions on the body's `data`, all of which must hold: at most 10,
each with a path of at most 10 steps. `eq`, `ne`, `in` compare as JSON does; `gt`, `gte`, `lt`, `lte`
compare numbers with numbers and texts with texts; `exists` asks whether the path is there. What a filter
leaves out is never delivered.

**Changes of a subscription** may carry `If-Match` with the `ETag` that was read, or `revision` in the
body: 412 where it has changed since. Two processes that change it within the same milliseconds are not
kept apart: the later one wins.

**Replays** deliver webhook events of the past again, with the same messageIds, as the subscription is now:
`POST …/subscription/{id}/replay`, with `?dryRun=true` first. It goes on in this process or another one, and
is watched and cancelled at the address in the answer. What was given up is sent again by
`POST …/dead-letter/redrive`, a single delivery by `POST …/delivery/{messageId}/retry`.

**Every path under `/api/` wants to know who calls**, but for the two that give tokens:

- `X-AUTH-TOKEN: …`, a permanent key. `POST /api/admin/{admin}/api-key` makes one with some of the scopes
  `read`, `commands`, `subscriptions` and `admin`, for some stores or all, until a time or for ever;
  `DELETE` revokes it, in every process within moments. `loyalty api-key` makes the first, which may do all.
- `Authorization: Bearer …`, the token of an admin who has logged in with `POST /api/admin/login_check`; it
  is good for a day, and `POST /api/token/refresh` gives another. `loyalty admin create` makes an admin.
  Logins want `LOYALTY_SECRET_KEY` to be set.

**Each change** of a subscription, of settings, of an admin or of a key, each replay, redrive and retry, and
each erasure of a member is recorded before it is made: who, what, when, from which address. `loyalty audit
list` shows them."""
