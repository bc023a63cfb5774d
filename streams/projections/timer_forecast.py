"""What members' timers will bring, played ahead over the replica that the API's process has anyway."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from streams.domain.preview import AnnouncementPreview
from streams.projections.member_replica import MemberStateReader
from streams.projections.state_snapshot import visit_tables
from streams.stages.context import Clock


@dataclass(frozen=True, slots=True)
class TimerForecast:
    """Each call works on its caller's thread, and takes as long as there are members. Raises Retryable until
    the replica is whole. What is committed meanwhile is seen for some members and not for others."""

    replicas: MemberStateReader
    clock: Clock

    def now(self) -> datetime:
        """The latest time that timers have come to, on whichever partition."""
        return max(map(self.clock.now, self.replicas.tables()))

    def look(self, preview: AnnouncementPreview, store: str) -> Iterator[int]:
        """Shows `preview` every member of the store; yields how many since the last time."""
        for tables in self.replicas.tables():
            yield from visit_tables(preview, tables, store, self.clock.now)
