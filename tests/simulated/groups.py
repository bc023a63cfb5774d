"""Consumer groups as their coordinator keeps them: members, generations, assignments and offsets."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulated.errors import failure
from tests.simulated.hub import Hub

UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS = 25, 22, 82, 27
FIRST_DELAY = 0.3
"""Seconds for which a group without members waits for more than the first."""
Place = tuple[str, int]
Assignment = list[Place]
Joined = Callable[[int, Assignment], None]
"""Called with the generation and what the member is to have."""


@dataclass(slots=True)
class Member:
    """`key`: its instance's name, or its id where it has none."""

    key: str
    id: str
    topics: tuple[str, ...]
    session: float
    joined: Joined | None
    heard_at: float
    assignment: Assignment = field(default_factory=list)


@dataclass(slots=True)
class Pending:
    """Offsets of a transaction that has not ended."""

    offsets: dict[Place, int]


class Group:
    """`partitions` says how many a topic has."""

    def __init__(self, hub: Hub, name: str, partitions: Callable[[str], int]) -> None:
        self.hub = hub
        self.name = name
        self.generation = 0
        self.preparing = False
        self.members: dict[str, Member] = {}
        self.offsets: dict[Place, int] = {}
        self.pending: dict[int, Pending] = {}
        """By producer."""
        self._partitions = partitions
        self._ids = 0

    def join(self, key: str, known_id: str, topics: tuple[str, ...], session: float, joined: Joined) -> str:
        """Returns the member's id. `joined` is called once the group has settled."""
        member = self.members.get(key)
        static = bool(key)
        if member is None or member.id != known_id:
            self._ids += 1
            known_id = f"{key or 'member'}-{self._ids}"
        if member and static and member.id != known_id and not self.preparing:
            # Static membership (KIP-345): the successor goes on with what its name had.
            member.id, member.heard_at = known_id, self.hub.now
            self._settle(member, joined)
            return known_id
        key = key or known_id
        before = self.members.get(key)
        self.members[key] = Member(
            key, known_id, topics, session, joined, self.hub.now, before.assignment if before else []
        )
        self._watch(key, known_id)
        if not self.preparing:
            self._prepare()
        self._complete_if_whole()
        return known_id

    def _settle(self, member: Member, joined: Joined) -> None:
        generation, assignment = self.generation, list(member.assignment)
        self._watch(member.key, member.id)
        joined(generation, assignment)

    def _prepare(self) -> None:
        first = not any(m.assignment for m in self.members.values())
        self.preparing = True
        self.hub.note(f"group {self.name}: rebalances")
        if first:
            self._holding = True
            self.hub.after(FIRST_DELAY, self._release, f"group {self.name}: begins")

    _holding = False

    def _release(self) -> None:
        self._holding = False
        self._complete_if_whole()

    def _complete_if_whole(self) -> None:
        if not self.preparing or self._holding:
            return
        if any(member.joined is None for member in self.members.values()):
            return
        self.preparing = False
        self.generation += 1
        self._assign()
        self.hub.note(f"group {self.name}: generation {self.generation}: {sorted(self.members)}")
        for member in list(self.members.values()):
            joined, member.joined = member.joined, None
            member.heard_at = self.hub.now
            if joined:
                joined(self.generation, list(member.assignment))

    def _assign(self) -> None:
        """By range: each topic's partitions in order, to members in order of their names."""
        for member in self.members.values():
            member.assignment = []
        for topic in sorted({topic for member in self.members.values() for topic in member.topics}):
            able = sorted(key for key, member in self.members.items() if topic in member.topics)
            count, more = divmod(self._partitions(topic), len(able))
            at = 0
            for index, key in enumerate(able):
                size = count + (index < more)
                self.members[key].assignment += [(topic, number) for number in range(at, at + size)]
                at += size

    def heartbeat(self, key: str, id_: str, generation: int) -> None:
        """Raises what the coordinator has against it."""
        member = self._checked(key, id_)
        member.heard_at = self.hub.now
        if self.preparing:
            raise failure(REBALANCE_IN_PROGRESS)
        if generation != self.generation:
            raise failure(ILLEGAL_GENERATION)

    def _checked(self, key: str, id_: str) -> Member:
        member = self.members.get(key)
        if member is None:
            raise failure(UNKNOWN_MEMBER_ID, abort=True)
        if member.id != id_:
            raise failure(FENCED_INSTANCE_ID, fatal=True)
        return member

    def leave(self, key: str) -> None:
        if self.members.pop(key, None) is None:
            return
        if not self.preparing:
            self._prepare()
        self._complete_if_whole()

    def _watch(self, key: str, id_: str) -> None:
        """Its session ends where nothing is heard of it for so long."""
        member = self.members[key]

        def look() -> None:
            now = self.members.get(key)
            if now is None or now.id != id_:
                return
            if self.hub.now - now.heard_at >= now.session and not (self.preparing and now.joined):
                self.hub.note(f"group {self.name}: {key} is not heard of any more")
                self.leave(key)
            else:
                due = now.heard_at + now.session
                self.hub.at(due if due > self.hub.now else self.hub.now + now.session, look)

        self.hub.after(member.session, look)

    def take_offsets(
        self, producer: int, offsets: dict[Place, int], key: str, id_: str, generation: int
    ) -> None:
        """Within a transaction; by whom is checked, unless a client without a group says it."""
        if id_:
            if self._checked(key, id_) and generation != self.generation:
                raise failure(ILLEGAL_GENERATION, abort=True)
        elif generation >= 0 or self.members:
            raise failure(UNKNOWN_MEMBER_ID, abort=True)
        self.pending.setdefault(producer, Pending({})).offsets.update(offsets)

    def end(self, producer: int, *, commit: bool) -> None:
        pending = self.pending.pop(producer, None)
        if pending and commit:
            self.offsets.update(pending.offsets)

    def unstable(self, place: Place) -> bool:
        """Whether an open transaction may yet move it."""
        return any(place in pending.offsets for pending in self.pending.values())
