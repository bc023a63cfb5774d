"""“Why didn’t I get it?”: what became of an event, or of what a member did then, for each webhook."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.auth.scopes import require_scope
from api.contract.fields import UUID_PATTERN
from api.panel import form_inputs
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore
from api.problems import NotFound
from api.services.command_service import CommandService
from api.services.deliveries import DeliveryQueries
from api.services.delivery_explanations import DeliveryExplanations, DeliveryQuestion
from api.services.subscriptions import SubscriptionService
from streams.delivery.explain import EventExplanation, Verdict, VerdictKind
from streams.domain.store import StoreSettings

QUESTION_FIELDS = {"webhookEventId": "event", "customerId": "member", "at": "at"}
"""Ours, by what the programme's objects call them."""
WITHIN_CHOICES: Mapping[int, str] = {
    5: "5 minutes before and after",
    60: "an hour before and after",
    720: "12 hours before and after",
    1440: "a day before and after",
}


@dataclass(frozen=True, slots=True)
class VerdictAdvice:
    """What to do about a verdict. `style`: a class of panel.css. `to`: the page of the webhook that helps."""

    style: str
    todo: str
    to: str | None = None
    link: str = ""


VERDICT_ADVICE: Mapping[VerdictKind, VerdictAdvice] = {
    "delivered": VerdictAdvice(
        "delivered", "It arrived: whoever runs the endpoint finds it by the message id."
    ),
    "pending": VerdictAdvice("pending", "Nothing: it comes without being asked."),
    "dead": VerdictAdvice("dead", "Mend the endpoint, then press Retry on the delivery’s page."),
    "paused": VerdictAdvice(
        "paused", "Resume the webhook: what waits goes out then.", "", "Open the webhook"
    ),
    "disabled": VerdictAdvice(
        "disabled", "Mend the endpoint, then make the webhook active again.", "", "Open the webhook"
    ),
    "filtered": VerdictAdvice(
        "filtered", "If it should have come, change the webhook’s filter.", "", "Open the webhook"
    ),
    "not subscribed": VerdictAdvice(
        "idle", "If it should come, add the event to the webhook.", "", "Open the webhook"
    ),
    "not active yet": VerdictAdvice("idle", "Replay that time, and it is sent now.", "/replay", "Replay it"),
    "not come to yet": VerdictAdvice("pending", "Nothing: look again in a moment."),
    "missing": VerdictAdvice("dead", "Replay that time for what is missing.", "/replay", "Replay it"),
    "unknown": VerdictAdvice("idle", "Give the member and the time too, and look at the id again."),
}
VERDICT_ORDER: Sequence[VerdictKind] = tuple(VERDICT_ADVICE)


class QuestionInputs(BaseModel):
    """What the address asks for."""

    event: Annotated[str, Field(max_length=100)] = ""
    member: Annotated[str, Field(max_length=400)] = ""
    at: Annotated[str, Field(max_length=40)] = ""
    within: Annotated[int, Field(ge=1, le=1440)] = 60
    subscription: Annotated[str, Field(pattern=f"{UUID_PATTERN}|^$")] = ""
    asked: bool = False
    """Whether the form was sent: a link may fill in but a part of it."""

    @property
    def asks(self) -> bool:
        return self.asked or bool(self.event.strip() or (self.member.strip() and self.at.strip()))


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What became of one event: for those that ask for such, the worst last; and for how many others."""

    told: EventExplanation
    verdicts: Sequence[Verdict]
    others: Sequence[Verdict]


def make_answer(told: EventExplanation) -> EventAnswer:
    """Webhooks that never asked for the event stand apart, unless there is nothing else to say."""
    ordered = sorted(told.verdicts, key=lambda each: VERDICT_ORDER.index(each.kind))
    asked = [each for each in ordered if each.kind != "not subscribed"]
    return EventAnswer(told, asked, [each for each in ordered if each.kind == "not subscribed"])


@dataclass(frozen=True, slots=True)
class WhyDeps:
    whys: DeliveryExplanations
    deliveries: DeliveryQueries
    webhooks: SubscriptionService
    command_service: CommandService

    async def question(
        self, wanted: QuestionInputs, store: StoreSettings, errors: form_inputs.FieldErrors
    ) -> DeliveryQuestion:
        at = form_inputs.read_moment(errors, "at", wanted.at, store)
        member = await form_inputs.read_member(errors, "member", wanted.member, store, self.command_service)
        event = wanted.event.strip().lower() or None
        if event and not re.fullmatch(UUID_PATTERN, event):
            errors["event"] = "That is no id: 8f7c0b6e-6c53-4d46-9d0d-0f5b7b2f6a11 is one."
        if not event and not wanted.member.strip():
            errors["member"] = "Give an event, or a member and a time."
        if not event and not wanted.at.strip():
            errors["at"] = "About when?"
        within = timedelta(minutes=wanted.within)
        return DeliveryQuestion(event, member, at, within, wanted.subscription or None)

    async def answers(
        self, store: StoreSettings, asked: DeliveryQuestion, errors: form_inputs.FieldErrors
    ) -> list[EventAnswer] | None:
        """None where there is no such webhook, which is told. Raises Invalid and Retryable."""
        event = asked.event and await self._event_of(store, asked.event)
        try:
            told = await self.whys.why(store.store, replace(asked, event=event))
        except NotFound:
            errors["subscription"] = "There is no such webhook."
            return None
        return [make_answer(each) for each in told]

    async def _event_of(self, store: StoreSettings, id_: str) -> str:
        """Receivers know a delivery by its message id: that serves as well."""
        found = await self.deliveries.one(store.store, id_)
        return found.known.webhook_event_id if found else id_


def routes(pages: PageRenderer, deps: WhyDeps) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("read")])

    @router.get("/{store}/why")
    async def why(
        request: Request, store: CurrentStore, wanted: Annotated[QuestionInputs, Query()]
    ) -> Response:
        errors: form_inputs.FieldErrors = {}
        answers: list[EventAnswer] | None = None
        await deps.webhooks.log.current()
        if wanted.asks:
            question = await deps.question(wanted, store, errors)
            with form_inputs.collect_errors(errors, QUESTION_FIELDS):
                answers = None if errors else await deps.answers(store, question, errors)
        return pages.page(
            request,
            "why",
            store,
            status=400 if errors else 200,
            wanted=wanted,
            errors=errors,
            answers=answers,
            webhooks={each.subscription_id: each for each in deps.webhooks.index.of_store(store.store)},
            within=WITHIN_CHOICES,
            advice=VERDICT_ADVICE,
            local=lambda moment: form_inputs.format_local(moment, store),
        )

    return router
