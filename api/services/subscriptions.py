"""Subscriptions: made, changed, ended, apart from HTTP."""

import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from api.auth.audit import AuditedLog
from api.contract import subscription_bodies, subscription_options
from api.contract.endpoint_credentials import SecretVault, header_value, seal_headers, with_authentication
from api.contract.listing import Column, page
from api.contract.revisions import require_revision
from api.contract.url_policy import TargetPolicy
from api.problems import Complaint, Conflict, Invalid, NotFound
from api.services.signing_keys import SigningKeyMaker, with_signing
from connectors.http.attempt_sender import AttemptSender
from streams.delivery.records import Header, Subscription
from streams.delivery.subscription import Subscriptions, event_names
from streams.spelling import suggest
from streams.webhooks.names import resolve_event_name

MAX_SUBSCRIPTIONS = 500
"""Subscriptions of a store: every worker, sink and API process holds all of them in memory."""
SubscriptionChange = Callable[[Subscription], tuple[Subscription, str | None]]

# A filter sees what the client sees: instants to the second.
SUBSCRIPTION_COLUMNS: dict[str, Column[Subscription]] = {
    "webhookSubscriptionId": Column("text", lambda s: s.subscription_id),
    "eventName": Column("text", event_names, lambda name: resolve_event_name(name) or name),
    "url": Column("text", lambda s: s.url),
    "legacy": Column("flag", lambda s: s.legacy),
    "state": Column("text", lambda s: s.state),
    "createdAt": Column("instant", lambda s: s.created_at.replace(microsecond=0)),
}


@dataclass(frozen=True, slots=True)
class SubscriptionService:
    """What the routes do. What it reads is as of the call: each waits for the index."""

    index: Subscriptions
    log: AuditedLog[Subscription]
    targets: TargetPolicy
    now: Callable[[], datetime]
    attempt_sender: AttemptSender
    stores: Callable[[], Awaitable[Collection[str]]]
    """Codes of all stores, as of the call."""
    signer: SigningKeyMaker | None = None
    vault: SecretVault | None = None

    async def page(
        self, store: str, parameters: list[tuple[str, str]], *, whole: bool = True
    ) -> dict[str, Any]:
        """Without `whole`, no header's value is shown."""
        await self.log.current()
        rows = self.index.of_store(store)
        return page(
            rows,
            parameters,
            SUBSCRIPTION_COLUMNS,
            _place,
            lambda s: subscription_bodies.subscription_row(s, self.vault, whole=whole),
        )

    async def one(self, store: str, subscription_id: str) -> Subscription:
        """Raises 404 for another store's, as for none at all."""
        await self.log.current()
        return _of(store, self.index.get(subscription_id))

    async def create(
        self, store: str, body: subscription_bodies.SubscriptionCreation
    ) -> tuple[Subscription, str | None]:
        """The subscription, and its secret where it is signed. Raises NotFound for a store that there is not:
        the subscription could never fire."""
        codes = await self.stores()
        if store not in codes:
            raise NotFound(f"There is no store {store!r}: {suggest(store, codes)}")
        now = self.now()
        if len(self.index.of_store(store)) >= MAX_SUBSCRIPTIONS:
            message = (
                f"A store has at most {MAX_SUBSCRIPTIONS} subscriptions: end one that is not needed any more."
            )
            raise Conflict(Complaint(subscription_options.ROOT, message, "too_many"))
        plain = Subscription(
            subscription_id=str(uuid.uuid4()),
            store=store,
            event_name=subscription_bodies.require_event_name(body.event_name),
            further_events=subscription_bodies.require_event_names(body.further_events),
            url=subscription_bodies.require_allowed_url(body, self.targets),
            created_at=now,
            headers=seal_headers(subscription_bodies.parse_headers(body), self.vault),
            legacy=body.legacy,
            revision=1,
        )
        made, secret = self._secured(subscription_options.apply_options(plain, body), body, now)
        await self.log.write(made.subscription_id, made)
        return made, secret

    async def change(
        self, store: str, subscription_id: str, revision: int | None, change: SubscriptionChange
    ) -> tuple[Subscription, str | None]:
        """What `change` makes of it, and the secret that comes with that. Raises 412 where it is not at
        `revision` any more. Changes come one after the other, of whichever process."""
        changed: list[tuple[Subscription, str | None]] = []

        def made(before: Subscription | None) -> Subscription:
            current = _of(store, before)
            require_revision(current.revision, revision)
            changed.append(change(current))
            after = changed[-1][0]
            return after if after == current else replace(after, revision=current.revision + 1)

        await self.log.change(subscription_id, made)
        return changed[-1]

    def replaced(
        self, current: Subscription, body: subscription_bodies.SubscriptionReplacement
    ) -> tuple[Subscription, str | None]:
        if (
            body.event_name is not None
            and subscription_bodies.require_event_name(body.event_name) != current.event_name
        ):
            message = f"The event cannot be changed: it stays {current.event_name}."
            raise Invalid(Complaint(f"{subscription_options.ROOT}.eventName", message, "immutable"))
        further = body.further_events
        changed = replace(
            current,
            url=subscription_bodies.require_allowed_url(body, self.targets),
            headers=seal_headers(self._headers(body, current), self.vault, current.headers),
            legacy=current.legacy if body.legacy is None else body.legacy,
            further_events=current.further_events
            if further is None
            else subscription_bodies.require_event_names(further),
        )
        if body.state == "disabled" != current.state:
            raise Invalid(
                Complaint(f"{subscription_options.ROOT}.state", "Only the sender disables.", "immutable")
            )
        if body.state is not None and body.state != "disabled":
            changed = subscription_options.with_state(changed, body.state, self.now())
        return self._secured(subscription_options.apply_options(changed, body), body, self.now())

    def _headers(
        self, body: subscription_bodies.SubscriptionTarget, current: Subscription
    ) -> tuple[Header, ...]:
        """What a client sends back as it was shown, hidden, stays as it is."""
        before = {header.name: header_value(header, self.vault) for header in current.headers}
        return tuple(
            replace(header, value=kept)
            if header.value == subscription_bodies.HIDDEN_VALUE
            and (kept := before.get(header.name)) is not None
            else header
            for header in subscription_bodies.parse_headers(body)
        )

    def _secured(
        self, subscription: Subscription, body: subscription_bodies.SubscriptionTarget, now: datetime
    ) -> tuple[Subscription, str | None]:
        """Authenticated and signed as it is wanted, and the signing secret where it is new."""
        shown = with_authentication(subscription, body.auth, self.vault, self.targets)
        return with_signing(
            shown, subscription_bodies.requested_signing(body), self.signer, now, body.signing_key
        )

    async def delete(self, store: str, subscription_id: str, revision: int | None) -> None:
        def made(before: Subscription | None) -> None:
            require_revision(_of(store, before).revision, revision)

        await self.log.change(subscription_id, made)


def _place(subscription: Subscription) -> tuple[str, ...]:
    return subscription.created_at.isoformat(timespec="microseconds"), subscription.subscription_id


def _of(store: str, found: Subscription | None) -> Subscription:
    """Raises 404 for another store's, as for none at all."""
    if found is None or found.store != store:
        raise NotFound
    return found
