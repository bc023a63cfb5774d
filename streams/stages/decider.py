"""Deciding: what a command or a timer leads to, and who is told of it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import cast

from streams.derived import derive
from streams.derived.messages import late_rejection, messages_of, rejection_answer
from streams.domain.commands import AdvanceClock, AssignTransaction, Command, RecordTransaction
from streams.domain.decide import TimedEntry, decide, expire_before_payment, run_timer, skip_announcements
from streams.domain.document import search_identifiers
from streams.domain.events import Event, WrongCodeGiven
from streams.domain.evolve import evolve
from streams.domain.identifiers import FIELDS
from streams.domain.messages import AnswerClaim, AnswerSearch, AnyCommand, FindMember, Message
from streams.domain.state import (
    Claim,
    Document,
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
from streams.domain.values import Identifier
from streams.errors import Poison, Rejected
from streams.rejections import Refusal, rejection
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
from streams.stages.owner_timers import due_of, due_timers
from streams.tables.owner_entries import OwnerState
from streams.topics import COMMANDS, IDENTITY_REQUESTS, REJECTIONS, WEBHOOK_EVENTS


class Decider:
    """`stores` looks up a store's settings; `memory` is how long a command's id is remembered; `new_secret`
    draws what a data key is made of."""

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
        """Raises Poison, before anything is changed, for an answer that nobody waits for."""
        if isinstance(command, AdvanceClock):
            return
        state = turn.tables.of(owner_of(command.store, command.member_id))
        if isinstance(command, AnswerClaim):
            self._answered(turn, state, command)
        elif not self._repeated(turn, state, command):
            self._begin(turn, state, command, now)

    def _begin(self, turn: StageContext, state: OwnerState, command: AnyCommand, now: datetime) -> None:
        """Lets the command wait where one of its owner's does; otherwise decides it, or asks first for the
        identifiers that it needs."""
        under_way = state.get(Claim)
        if under_way:
            self._remember(turn, state, dedup_id(command), None, IDENTIFIERS_CLAIMED)
            identifier_reservations.queue_command(state, under_way, command, now)
            return
        try:
            wanted = identifier_reservations.identifiers_to_claim(state, command, now, self._store)
            if wanted:
                # What is refused for another reason claims nothing: seen without its events happening.
                next(decide(state, command, now, self._store(command)), None)
                request = identifier_reservations.claim_identifiers(state, command, wanted, now)
                turn.send(IDENTITY_REQUESTS, request_key(request), request)
                # What waits is known already: its repeats need not.
                self._remember(turn, state, dedup_id(command), None, IDENTIFIERS_CLAIMED)
                return
        except Rejected as refusal:
            self._refused(turn, state, command, refusal)
            return
        self._conclude(turn, state, command, now)

    def _answered(self, turn: StageContext, state: OwnerState, answer: AnswerClaim) -> None:
        """The command whose claim this answers, then those that waited for it, each at its own time."""
        under_way = state.get(Claim)
        if under_way is None or under_way.command_id != answer.command_id:
            raise Poison(f"answers command {answer.command_id}, which waits for nothing")
        first, others = identifier_reservations.end_claim(state, under_way)
        command = cast(AnyCommand, parse_command(first.command, first.schema))
        if answer.taken:
            taken = answer.taken
            refusal = Rejected(f"profile.{FIELDS[taken.kind]}", taken.value, "is another member's already")
            self._refused(turn, state, command, refusal)
        elif not identifier_reservations.is_claim_sufficient(state, under_way, command, self._store):
            # The store's rules have changed meanwhile: by these it would be known by something else.
            self._release(turn, command, identifier_reservations.unused_identifiers(state, under_way))
            self._begin(turn, state, command, first.decided_at)
        else:
            self._conclude(turn, state, command, first.decided_at)
            # Granted, and refused all the same by what has changed since: nobody is known by it.
            self._release(turn, command, identifier_reservations.unused_identifiers(state, under_way))
        for kept in others:
            self._catch_up(turn, state, kept.decided_at)
            waited = cast(AnyCommand, parse_command(kept.command, kept.schema))
            try:
                self._begin(turn, state, waited, kept.decided_at)
            except Poison as cause:
                turn.poison(kept.record(turn, state.owner), cause)

    def _catch_up(self, turn: StageContext, state: OwnerState, now: datetime) -> None:
        """Of history, what this member's timers bring before `now` comes before what waited."""
        if not self._clock.past(turn.tables, now):
            return
        while entry := min(due_timers(state, now), key=due_of, default=None):
            self.timer(turn, state.owner, entry, due_of(entry))

    def _repeated(self, turn: StageContext, state: OwnerState, command: AnyCommand) -> bool:
        """Whether the command was handled before: then it is answered as it was. A message that comes again,
        put there by somebody's mistake, is not: its sender has gone on since."""
        before = state.get(Handled, dedup_id(command).encode())
        if before and before.rejection and not isinstance(command, MESSAGES):
            self.reject(turn, command, type(command).__name__, Rejected(*before.rejection))
        return before is not None

    def _conclude(self, turn: StageContext, state: OwnerState, command: AnyCommand, now: datetime) -> None:
        try:
            self._decide(turn, state, command, now)
        except Rejected as refusal:
            self._refused(turn, state, command, refusal)
            return
        until = None if is_kept_forever(command) else self._forget_at(turn)
        state.apply(
            handled_entry(turn, state, dedup_id(command), until, refusal=None, waits_for=last_step(command))
        )
        if not isinstance(command, MESSAGES):
            self._search(turn, state, command)

    def _refused(self, turn: StageContext, state: OwnerState, command: AnyCommand, refusal: Rejected) -> None:
        """Told to whoever waits for it: another owner, or the producer of the command."""
        if isinstance(command, MESSAGES):
            answer = rejection_answer(cast(Message, command), refusal)
            self._remember(turn, state, dedup_id(command), refusal)
            if answer:
                turn.send(COMMANDS, owner_of(answer.store, answer.member_id), answer)
                return
        name = "AssignTransaction" if isinstance(command, AnswerSearch) else type(command).__name__
        self.reject(turn, command, name, refusal)
        self._remember(turn, state, command.command_id, refusal)

    def _search(self, turn: StageContext, state: OwnerState, command: AnyCommand) -> None:
        """Whose is the transaction? Asked once it is recorded, or to be matched to whom only the identity
        stage knows."""
        if not isinstance(command, RecordTransaction | AssignTransaction):
            return
        document = state.get(Document)
        identifiers = search_identifiers(command, self._store(command))
        if document and identifiers and not document.to_member:
            request = FindMember(
                command_id=command.command_id,
                store=command.store,
                asker=command.member_id,
                issued_at=command.issued_at,
                by_hand=isinstance(command, AssignTransaction),
                identifiers=identifiers,
            )
            turn.send(IDENTITY_REQUESTS, request_key(request), request)

    def _decide(self, turn: StageContext, state: OwnerState, command: AnyCommand, now: datetime) -> None:
        store = self._store(command)
        before = state.get(Member)
        self._happen(turn, state, expire_before_payment(state, command, now, store), store)
        may_refuse = True
        try:
            for event in decide(state, command, now, store):
                # That a wrong code was given is on record although nothing else comes of it.
                may_refuse = isinstance(event, WrongCodeGiven)
                self._happen(turn, state, iter((event,)), store)
        except Rejected as late:
            if may_refuse:
                raise
            raise RuntimeError(
                f"{type(command).__name__} was refused after its first event: {late}"
            ) from late
        self._release(
            turn, command, identifier_reservations.identifiers_to_release(before, state.get(Member))
        )

    def _release(self, turn: StageContext, command: AnyCommand, identifiers: Iterable[Identifier]) -> None:
        for identifier in identifiers:
            request = identifier_reservations.release_identifier(command, identifier)
            turn.send(IDENTITY_REQUESTS, request_key(request), request)

    def _store(self, command: AnyCommand) -> StoreSettings:
        store = self._stores(command.store)
        if store is None and isinstance(command, ANSWERS):
            # What is under way must come to its end, whatever became of the store.
            return _no_settings(command.store)
        if store is None:
            raise Rejected("store", command.store, "has no settings: `loyalty store put` gives it some")
        return store

    def _happen(
        self, turn: StageContext, state: OwnerState, events: Iterator[Event], store: StoreSettings
    ) -> int:
        """Each event changes the state, then is told of, before the next is asked for."""
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
                self._refused_late(turn, state, event, refusal)
            count += 1
        return count

    def _refused_late(self, turn: StageContext, state: OwnerState, event: Event, refusal: Refusal) -> None:
        rejected = Rejected(refusal.field, refusal.value, refusal.reason)
        command = Command(
            command_id=event.command_id,
            store=event.store,
            member_id=event.member_id,
            issued_at=event.occurred_at,
        )
        self.reject(turn, command, refusal.command, rejected)
        self._remember(turn, state, event.command_id, rejected)

    def _remember(
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
        # From the present on: a command that waited was decided at a time that may be long gone.
        now = self._clock.now(turn.tables) if self._clock.plays_history else turn.now
        return now + self._memory

    def reject(self, turn: StageContext, command: Command, name: str, refusal: Rejected) -> None:
        owner = owner_of(command.store, command.member_id)
        turn.send_to_same_partition(REJECTIONS, owner, rejection(command, name, refusal, turn.now))

    def timer(self, turn: StageContext, owner: str, entry: Entry, now: datetime) -> None:
        state = turn.tables.of(owner)
        match entry:
            case Handled():
                state.apply(Drop(entry=entry))
            case Lot() | PendingLot() | IssuedReward() | Standing():
                self._wake(turn, state, owner, entry, now)
            case _:
                raise TypeError(f"{type(entry).__name__} has no timer")

    def _wake(
        self, turn: StageContext, state: OwnerState, owner: str, entry: TimedEntry, now: datetime
    ) -> None:
        code, _, member_id = owner.partition("/")
        store = self._stores(code) or _no_settings(code)
        if self._happen(turn, state, run_timer(state, entry, store, member_id, now), store):
            # What became of it may be due already: it is woken again for that.
            return
        left = state.get(type(entry), entry.key())
        if left is not None and left.due is not None and left.due <= now:
            # Nothing was to be told: it must not wake again for that.
            state.apply(skip_announcements(state, left, store, now))


def _no_settings(store: str) -> StoreSettings:
    return StoreSettings(store=store, wallets=())
