"""The real application over an index in memory, called through HTTP without a socket."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.auth.audit import AuditTrail
from api.auth.authentication import ConfiguredKeys, PrincipalAuthenticator, hash_token
from api.auth.logins import MAX_LOGINS_PER_MINUTE, LoginService, TokenSigner
from api.auth.principals import Principals
from api.contract.endpoint_credentials import SecretVault
from api.contract.url_policy import PublicTargets
from api.panel.forecasts import ForecastService
from api.panel.sessions import FORM_KEY_PURPOSE, SessionService
from api.portal.deployment import Deployment
from api.process.app import create_app
from api.process.http_metrics import HttpMetrics
from api.services.command_outcomes import CommandOutcomes
from api.services.signing_keys import SigningKeyMaker
from connectors.http.attempt_sender import AttemptSender
from streams.access import Change
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.errors import Retryable
from streams.kafka.unfit_records import UnfitRecord
from streams.pipeline_health.samples import Sample
from streams.runtime.metrics import Metrics
from streams.runtime.probes import Probes
from streams.secrets.sealing import SecretSealer, new_key
from streams.settings import Network
from tests.api.deliveries import DeliveriesInMemory, EventsInMemory
from tests.api.failures import FailuresInMemory
from tests.api.listening import ListeningInMemory
from tests.api.logs import LogInMemory
from tests.api.past import BoxInMemory, OrdersInMemory
from tests.api.programme import MembersInMemory, Programme
from tests.connectors.fakes import FakeSender, always, answered
from tests.scenarios.store import SETTINGS

KEY = "a-key-for-tests"
START = datetime(2025, 10, 20, 13, 18, 38, tzinfo=UTC)
SAFE = SecretSealer([new_key()])
PATH = "/api/DEFAULT/webhook/subscription"


class Clock:
    """One second later at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def peek(self) -> datetime:
        return self.now


class AuditInMemory:
    """What was recorded, in order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.away = False

    async def append(self, change: Change) -> None:
        if self.away:
            raise Retryable("audit: not written")
        self.changes.append(change)


class FlowInMemory:
    """What was seen of the pipeline, as a test has it."""

    samples: tuple[Sample, ...] = ()


class Door:
    """A client of the API, with a key unless told otherwise."""

    def __init__(
        self,
        allowed: tuple[Network, ...] = (),
        *,
        wait: float = 5.0,
        most: int = 100,
        signer: SigningKeyMaker | None = None,
        vault: SecretVault | None = None,
        logins: int = MAX_LOGINS_PER_MINUTE,
        signed_in: bool = True,
        deployment: Deployment | None = None,
    ) -> None:
        self.index = Subscriptions()
        self.log = LogInMemory(self.index.get, self._subscribe)
        self.caught_up = True
        self.metrics, self.probes = Metrics(), Probes()
        self.probes.note_start()
        self.probes.add_check(lambda: [] if self.caught_up else ["the topic subscriptions"])
        self.principals = Principals()
        self.audit = AuditInMemory()
        self.replays, self.box = OrdersInMemory(), BoxInMemory()
        tokens = TokenSigner(SAFE)
        self.clock = Clock()
        self.resets = 0
        self.endpoints = FakeSender()
        self.programme = Programme(SETTINGS, now=START)
        self.members = MembersInMemory(self.programme)
        self.conditions: dict[str, EndpointStatus] = {}
        self.flow = FlowInMemory()
        self.aside: list[UnfitRecord] = []
        self.sessions = SessionService(
            tokens, self.principals, SAFE.derived(FORM_KEY_PURPOSE), self.clock.peek
        )
        self.failures = FailuresInMemory()
        self.listening = ListeningInMemory(SAFE)
        self.deliveries, self.events = DeliveriesInMemory(), EventsInMemory()
        outcomes = CommandOutcomes(self.programme, self.programme, wait=wait, most=most)
        self.programme.heard = outcomes.heard
        self.app: FastAPI = create_app(
            subscriptions=self.index,
            log=self.log,
            authenticator=PrincipalAuthenticator(
                ConfiguredKeys((hash_token(KEY),)), self.principals, tokens, self.clock.peek
            ),
            targets=PublicTargets(allowed),
            now=self.clock,
            probes=self.probes,
            metrics=HttpMetrics(self.metrics),
            outcomes=outcomes,
            book=self.programme,
            past=self.programme,
            stores=self._store,
            settings_log=LogInMemory(self._store, self._set),
            attempt_sender=AttemptSender(self.endpoints, SAFE),
            principals=self.principals,
            key_log=LogInMemory(self.principals.key, self.principals.put_key),
            audit=AuditTrail(self.audit.append, self.clock.peek),
            store_codes=lambda: tuple(self.programme.settings),
            conditions=self.conditions,
            forecasts=ForecastService(self.members, self._seconds),
            replaying=self.replays.ports,
            box=self.box,
            listening=self.listening.ports,
            journal=self.deliveries,
            published=self.events,
            failures=self.failures,
            flow=self.flow,
            aside=lambda: self.aside,
            logins=LoginService(self.principals, tokens, logins),
            sessions=self.sessions if signed_in else None,
            signer=signer,
            deployment=deployment,
            vault=vault,
        )

    def reset(self) -> None:
        """As it was made: to build an application takes longer than to answer a hundred requests."""
        for subscription in [*self.index.of_store("DEFAULT"), *self.index.of_store("OTHER")]:
            self.index.drop(subscription.subscription_id)
        self.log.away, self.caught_up, self.clock.now = False, True, START
        self.resets += 1
        self.endpoints.sent.clear()
        self.deliveries.reset()
        self.events.reset()
        self.audit.changes.clear()
        self.conditions.clear()
        self.replays.reset()
        self.listening.reset()
        self.failures.reset()
        # Its methods are bound in the application: it is emptied, not replaced.
        vars(self.box).update(vars(BoxInMemory()))
        self.flow.samples = ()
        self.aside.clear()
        self.endpoints.endpoint = always(answered())
        heard = self.programme.heard
        self.programme.restart()
        self.programme.heard = heard

    def _subscribe(self, subscription_id: str, value: Subscription | None) -> None:
        if value is None:
            self.index.drop(subscription_id)
        else:
            self.index.put(value)

    def _store(self, store: str) -> StoreSettings | None:
        # Another dict after each reset.
        return self.programme.settings.get(store)

    def _set(self, store: str, value: StoreSettings | None) -> None:
        if value is None:
            del self.programme.settings[store]
        else:
            self.programme.settings[store] = value

    def _seconds(self) -> float:
        """After a reset, nothing that was kept for a minute is still fresh."""
        return self.clock.peek().timestamp() + 100 * self.resets

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, path, **options)

        options.setdefault("headers", {"X-AUTH-TOKEN": KEY})
        call: Coroutine[Any, Any, httpx.Response] = request()
        return asyncio.run(call)

    def get(self, path: str = PATH, **query: str) -> Any:
        """The JSON of a successful answer."""
        answer = self.call("GET", path, params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, **fields: object) -> httpx.Response:
        body = {"eventName": "CustomerRegistered", "url": "https://shop.example/hook"} | fields
        return self.call("POST", PATH, json={"webhookSubscription": body})

    def put(self, subscription_id: str, **fields: object) -> httpx.Response:
        return self.call("PUT", f"{PATH}/{subscription_id}", json={"webhookSubscription": fields})

    def subscribed(self, **fields: object) -> str:
        """The id of a new subscription."""
        answer = self.post(**fields)
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["webhookSubscriptionId"]
        return found


@cache
def _shared() -> Door:
    return Door()


@pytest.fixture
def door() -> Door:
    shared = _shared()
    shared.reset()
    return shared


def complaints(answer: httpx.Response) -> Mapping[str, str]:
    """Message by path of a documented 400."""
    body = answer.json()
    assert answer.status_code == 400, answer.text
    assert (body["code"], body["message"]) == (400, "Validation failed")
    for error in body["errors"]:
        assert set(error) == {"message", "parameters", "plural", "code", "path"}
    return {error["path"]: error["message"] for error in body["errors"]}
