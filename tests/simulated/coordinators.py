"""Transactions as their coordinator keeps them: who may write, what is open, and how it ends."""

from dataclasses import dataclass, field

from tests.simulated.brokers import Brokers
from tests.simulated.errors import failure
from tests.simulated.groups import Group
from tests.simulated.log import Log

CONCURRENT_TRANSACTIONS, INVALID_TXN_STATE, FENCED = 51, 48, 90
MARKED_WITHIN = (0.001, 0.15)
"""Seconds until a marker stands in a log, once the end is decided."""
LOOKED_EVERY = 1.0
"""Seconds between two looks for transactions that have taken too long."""


@dataclass(slots=True)
class Transaction:
    """Of one transactional id. `state`: empty, ongoing, committing or aborting."""

    name: str
    producer: int
    epoch: int = -1
    timeout: float = 60.0
    state: str = "empty"
    began_at: float = 0.0
    logs: dict[tuple[str, int], Log] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


class Coordinators:
    """All transactions of the cluster."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._hub = brokers.hub
        self._rng = brokers.hub.rng("coordinators")
        self.all: dict[str, Transaction] = {}

    def begin_with(self, name: str, timeout: float) -> tuple[int, int]:
        """A producer takes the name: its predecessor is fenced, and what that left open is aborted."""
        found = self.all.get(name)
        if found is None:
            found = self.all[name] = Transaction(name, len(self.all) + 1)
        if found.state == "ongoing":
            found.epoch += 1
            self._end(found, commit=False)
        if found.state != "empty":
            raise failure(CONCURRENT_TRANSACTIONS)
        found.epoch += 1
        found.timeout = timeout
        self._hub.note(f"transactions of {name}: epoch {found.epoch}")
        return found.producer, found.epoch

    def add(self, name: str, epoch: int, log: Log) -> None:
        transaction = self._begun(name, epoch)
        transaction.logs[log.topic, log.number] = log

    def add_group(self, name: str, epoch: int, group: Group) -> None:
        self._begun(name, epoch).groups[group.name] = group

    def _begun(self, name: str, epoch: int) -> Transaction:
        found = self._of(name, epoch)
        if found.state in ("committing", "aborting"):
            raise failure(CONCURRENT_TRANSACTIONS)
        if found.state == "empty":
            found.state, found.began_at = "ongoing", self._hub.now
            self._watch(found, found.epoch, found.began_at)
        return found

    def _of(self, name: str, epoch: int) -> Transaction:
        found = self.all[name]
        if epoch != found.epoch:
            raise failure(FENCED, "a newer producer has the name", fatal=True)
        return found

    def may_write(self, name: str, epoch: int, log: Log) -> bool:
        """What a partition's leader asks before it takes a record (KIP-890)."""
        found = self.all[name]
        return found.epoch == epoch and found.state == "ongoing" and (log.topic, log.number) in found.logs

    def end(self, name: str, epoch: int, *, commit: bool) -> None:
        """Decided once this returns, though its markers are not written yet."""
        found = self._of(name, epoch)
        wanted = "committing" if commit else "aborting"
        if found.state == "ongoing":
            self._end(found, commit=commit)
        elif found.state not in {wanted, "empty"}:
            raise failure(INVALID_TXN_STATE, fatal=True)

    def _end(self, transaction: Transaction, *, commit: bool) -> None:
        transaction.state = "committing" if commit else "aborting"
        self._hub.note(f"transactions of {transaction.name}: {transaction.state}")
        left: list[object] = [*transaction.logs.values(), *transaction.groups.values()]
        if not left:
            transaction.state = "empty"
        for place in list(left):
            self._mark_soon(transaction, place, left, commit)

    def _mark_soon(self, of: Transaction, place: object, left: list[object], commit: bool) -> None:
        self._hub.after(self._rng.uniform(*MARKED_WITHIN), lambda: self._mark(of, place, left, commit))

    def _mark(self, of: Transaction, place: object, left: list[object], commit: bool) -> None:
        at = place.leader if isinstance(place, Log) else self._brokers.coordinator(_name(place)).number
        mine = self._brokers.coordinator(of.name)
        if not self._brokers.there(at) or mine.away or self._brokers.loading(of.name):
            self._mark_soon(of, place, left, commit)
            return
        if isinstance(place, Log):
            place.mark(of.producer, commit=commit, at=self._hub.now)
        elif isinstance(place, Group):
            place.end(of.producer, commit=commit)
        left.remove(place)
        if not left:
            of.state = "empty"
            of.logs.clear()
            of.groups.clear()
            self._hub.note(f"transactions of {of.name}: ended")

    def _watch(self, transaction: Transaction, epoch: int, began_at: float) -> None:
        """Abort it where it takes longer than it may; its producer is fenced by that."""

        def look() -> None:
            now = transaction
            if now.state != "ongoing" or (now.epoch, now.began_at) != (epoch, began_at):
                return
            broker = self._brokers.coordinator(now.name)
            if broker.away or self._brokers.loading(now.name):
                self._hub.after(LOOKED_EVERY, look)
                return
            now.epoch += 1
            self._end(now, commit=False)

        self._hub.after(transaction.timeout + self._rng.uniform(0, LOOKED_EVERY), look)


def _name(place: object) -> str:
    return place.name if isinstance(place, Group) else ""
