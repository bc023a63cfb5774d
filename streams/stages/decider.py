"""Decides commands and timers: applies the resulting facts and appends webhook events, messages and
rejections."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import cast

from streams.derived import derive
from streams.derived.messages import late_rejection, messages_of, rejection_answer
from streams.domain.commands import AdvanceClock, Command, RecordTransaction, RegisterTransaction
from streams.domain.decide import TimedEntry, decide, expire_before_payment, run_timer, skip_announcements
from streams.domain.events import Event, WrongCodeGiven
from streams.domain.evolve import evolve
from streams.domain.messages import AnswerClaim, AnswerSearch, AnyCommand, Message
from streams.domain.state import (
    Claim,
    Drop,
    Entry,
    Handled,
    IssuedReward,
    Lot,
    Member,
    PendingLot,
    Standing,
)
from streams.domain.store import StoreSettings
from streams.errors import Poison, Rejected
from streams.rejections import LateRejection
from streams.stages import erasure, identifier_reservations
from streams.stages.command_dedup import (
    IDENTIFIERS_CLAIMED,
    dedup_id,
    handled_entry,
    is_kept_forever,
    last_step,
)
from streams.stages.commands import ANSWERS, MESSAGES, owner_of, parse_command
from streams.stages.context import Clock, StageContext
from streams.stages.identity import request_key
from streams.stages.outgoing import release_identifiers, search_member, send_rejection
from streams.stages.owner_timers import due_of, due_timers
from streams.tables.owner_entries import OwnerState
from streams.topics import COMMANDS, IDENTITY_REQUESTS, WEBHOOK_EVENTS


class Decider:
    """`stores` looks up a store's settings. `memory` is how long a command's id is remembered. `new_secret`
    makes a random data key."""

    def __init__(
        self,
        stores: Callable[[str], StoreSettings | None],
        clock: Clock,
        memory: timedelta,
        new_secret: Callable[[], bytes],
    ) -> None:
        self._stores = stores
        self._memory = memory
        self._clock = clock
        self._new_secret = new_secret

    def handle(self, turn: StageContext, command: AnyCommand | AdvanceClock, now: datetime) -> None:
        """Decides the command. Raises Poison, before anything is changed, for an answer that no command waits
        for."""
        if isinstance(command, AdvanceClock):
            return
        state = turn.tables.of(owner_of(command.store, command.member_id))
        if isinstance(command, AnswerClaim):
            self._continue_claimed(turn, state, command)
        elif not self._is_repeated(turn, state, command):
            self._start_command(turn, state, command, now)

    def _start_command(
        self, turn: StageContext, state: OwnerState, command: AnyCommand, now: datetime
    ) -> None:
        """Queues the command behind another one of its owner that waits; otherwise decides it, or first
        claims the identifiers that it needs."""
        under_way = state.get(Claim)
        if under_way:
            self._remember_command(turn, state, dedup_id(command), None, IDENTIFIERS_CLAIMED)
            identifier_reservations.queue_command(state, under_way, command, now)
            return
        try:
            wanted = identifier_reservations.identifiers_to_claim(state, command, now, self._require_store)
            if wanted and not self._reserves_later(command):
                # A command that is rejected for another reason claims nothing. The events of this decision
                # are not applied.
                next(decide(state, command, now, self._require_store(command)), None)
                request = identifier_reservations.claim_identifiers(state, command, wanted, now)
                turn.send(IDENTITY_REQUESTS, request_key(request), request)
                # A waiting command is remembered already, so that its repetition does not wait too.
                self._remember_command(turn, state, dedup_id(command), None, IDENTIFIERS_CLAIMED)
                return
        except Rejected as refusal:
            self._reject_and_remember(turn, state, command, refusal)
            return
        self._execute(turn, state, command, now)

    def _reserves_later(self, command: AnyCommand) -> bool:
        """Whether the document is reserved without waiting. In history a command must not wait: the member's
        timers between it and the answer would fire before it."""
        return self._clock.plays_history and isinstance(command, RegisterTransaction | RecordTransaction)

    def _continue_claimed(self, turn: StageContext, state: OwnerState, answer: AnswerClaim) -> None:
        """Continues the command whose claim this answers, then the commands queued behind it, each at its own
        time."""
        under_way = state.get(Claim)
        if under_way is None or under_way.command_id != answer.command_id:
            raise Poison(f"answers command {answer.command_id}, which waits for nothing")
        first, others = identifier_reservations.end_claim(state, under_way)
        command = cast(AnyCommand, parse_command(first.command, first.schema))
        if answer.taken:
            taken = answer.taken
            refusal = identifier_reservations.taken_refusal(command, taken)
            self._reject_and_remember(turn, state, command, refusal)
        elif not identifier_reservations.is_claim_sufficient(state, under_way, command, self._require_store):
            # The store's identifier rules have changed meanwhile: the command needs other identifiers.
            unused = identifier_reservations.unused_identifiers(state, under_way, command)
            release_identifiers(turn, command, unused)
            self._start_command(turn, state, command, first.decided_at)
        else:
            self._execute(turn, state, command, first.decided_at)
            # Claimed identifiers that the member does not have now, as the command was rejected after all.
            unused = identifier_reservations.unused_identifiers(state, under_way, command)
            release_identifiers(turn, command, unused)
        for kept in others:
            self._fire_due_timers(turn, state, kept.decided_at)
            waited = cast(AnyCommand, parse_command(kept.command, kept.schema))
            try:
                self._start_command(turn, state, waited, kept.decided_at)
            except Poison as cause:
                turn.poison(kept.record(turn, state.owner), cause)

    def _fire_due_timers(self, turn: StageContext, state: OwnerState, now: datetime) -> None:
        """While history is played, fires the member's timers that are due before `now`, ahead of the queued
        command."""
        if not self._clock.is_history(turn.tables, now):
            return
        while entry := min(due_timers(state, now), key=due_of, default=None):
            self.timer(turn, state.owner, entry, due_of(entry))

    def _is_repeated(self, turn: StageContext, state: OwnerState, command: AnyCommand) -> bool:
        """Whether the command was handled before; if it was rejected, it is rejected again. A repeated
        message, which somebody appended by mistake, is not answered again: its sender has moved on."""
        before = state.get(Handled, dedup_id(command).encode())
        if before and before.rejection and not isinstance(command, MESSAGES):
            send_rejection(turn, command, type(command).__name__, Rejected(*before.rejection))
        return before is not None

    def _execute(self, turn: StageContext, state: OwnerState, command: AnyCommand, now: datetime) -> None:
        try:
            self._apply_decision(turn, state, command, now)
        except Rejected as refusal:
            self._reject_and_remember(turn, state, command, refusal)
            return
        if isinstance(command, RegisterTransaction | RecordTransaction) and self._reserves_later(command):
            reservation = identifier_reservations.reserve_document(command)
            turn.send(IDENTITY_REQUESTS, request_key(reservation), reservation)
        until = None if is_kept_forever(command) else self._forget_at(turn)
        state.apply(
            handled_entry(turn, state, dedup_id(command), until, refusal=None, waits_for=last_step(command))
        )
        if not isinstance(command, MESSAGES):
            search_member(turn, state, command, self._require_store)

    def _reject_and_remember(
        self, turn: StageContext, state: OwnerState, command: AnyCommand, refusal: Rejected
    ) -> None:
        """Sends the rejection to whoever waits for it: another owner, or the producer of the command."""
        if isinstance(command, MESSAGES):
            answer = rejection_answer(cast(Message, command), refusal)
            self._remember_command(turn, state, dedup_id(command), refusal)
            if answer:
                turn.send(COMMANDS, owner_of(answer.store, answer.member_id), answer)
                return
        name = "AssignTransaction" if isinstance(command, AnswerSearch) else type(command).__name__
        send_rejection(turn, command, name, refusal)
        self._remember_command(turn, state, command.command_id, refusal)

    def _apply_decision(
        self, turn: StageContext, state: OwnerState, command: AnyCommand, now: datetime
    ) -> None:
        store = self._require_store(command)
        before = state.get(Member)
        self._apply_events(turn, state, expire_before_payment(state, command, now, store), store)
        may_refuse = True
        try:
            for event in decide(state, command, now, store):
                # WrongCodeGiven is kept as a fact, although the command is rejected after it.
                may_refuse = isinstance(event, WrongCodeGiven)
                self._apply_events(turn, state, iter((event,)), store)
        except Rejected as late:
            if may_refuse:
                raise
            raise RuntimeError(
                f"{type(command).__name__} was refused after its first event: {late}"
            ) from late
        release_identifiers(
            turn, command, identifier_reservations.identifiers_to_release(before, state.get(Member))
        )

    def _require_store(self, command: AnyCommand) -> StoreSettings:
        store = self._stores(command.store)
        if store is None and isinstance(command, ANSWERS):
            # A process that has started must complete, even if the store's settings are gone.
            return _empty_settings(command.store)
        if store is None:
            raise Rejected("store", command.store, "has no settings: `loyalty store put` gives it some")
        return store

    def _apply_events(
        self, turn: StageContext, state: OwnerState, events: Iterator[Event], store: StoreSettings
    ) -> int:
        """Applies each event and appends what follows from it, before the next event is requested. Returns
        how many there were."""
        count = 0
        for event in events:
            owner = owner_of(event.store, event.member_id)
            for change in evolve(state, event, store):
                state.apply(change)
            erasure.append_fact(turn, state, event, self._new_secret)
            if store.has_webhooks_for(event.occurred_at):
                for webhook_event in derive(event, state, store):
                    turn.send_to_same_partition(WEBHOOK_EVENTS, owner, webhook_event)
            for message in messages_of(event, state):
                turn.send(COMMANDS, owner_of(message.store, message.member_id), message)
            refusal = late_rejection(event)
            if refusal:
                self._reject_late(turn, state, event, refusal)
            count += 1
        return count

    def _reject_late(
        self, turn: StageContext, state: OwnerState, event: Event, refusal: LateRejection
    ) -> None:
        rejected = Rejected(refusal.field, refusal.value, refusal.reason)
        command = Command(
            command_id=event.command_id,
            store=event.store,
            member_id=event.member_id,
            issued_at=event.occurred_at,
        )
        send_rejection(turn, command, refusal.command, rejected)
        self._remember_command(turn, state, event.command_id, rejected)

    def _remember_command(
        self,
        turn: StageContext,
        state: OwnerState,
        command_id: str,
        refusal: Rejected | None,
        waits_for: str = "",
    ) -> None:
        state.apply(
            handled_entry(
                turn, state, command_id, self._forget_at(turn), refusal=refusal, waits_for=waits_for
            )
        )

    def _forget_at(self, turn: StageContext) -> datetime:
        # Counted from the present: a command that waited is decided at a time that may be long past.
        now = self._clock.now(turn.tables) if self._clock.plays_history else turn.now
        return now + self._memory

    def timer(self, turn: StageContext, owner: str, entry: Entry, now: datetime) -> None:
        state = turn.tables.of(owner)
        match entry:
            case Handled():
                state.apply(Drop(entry=entry))
            case Lot() | PendingLot() | IssuedReward() | Standing():
                self._run_timer(turn, state, owner, entry, now)
            case _:
                raise TypeError(f"{type(entry).__name__} has no timer")

    def _run_timer(
        self, turn: StageContext, state: OwnerState, owner: str, entry: TimedEntry, now: datetime
    ) -> None:
        code, _, member_id = owner.partition("/")
        store = self._stores(code) or _empty_settings(code)
        if self._apply_events(turn, state, run_timer(state, entry, store, member_id, now), store):
            # The changed entry may be due already: its timer fires again for that.
            return
        left = state.get(type(entry), entry.key())
        if left is not None and left.due is not None and left.due <= now:
            # Nothing was announced: the timer must not fire again for the same lead time.
            state.apply(skip_announcements(state, left, store, now))


def _empty_settings(store: str) -> StoreSettings:
    return StoreSettings(store=store, wallets=())
