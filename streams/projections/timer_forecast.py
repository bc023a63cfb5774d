"""What members' timers will do, computed ahead over the replica of the API's process."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from streams.domain.preview import AnnouncementPreview
from streams.projections.member_replica import MemberStateReader
from streams.projections.state_snapshot import visit_tables
from streams.stages.context import Clock


@dataclass(frozen=True, slots=True)
class TimerForecast:
    """Each call runs on its caller's thread; it takes longer with more members. Raises Retryable until the
    replica has caught up. Changes that are committed meanwhile may show for some members only."""

    replicas: MemberStateReader
    clock: Clock

    def now(self) -> datetime:
        """The latest time that any partition's timers have reached."""
        return max(map(self.clock.now, self.replicas.partition_tables()))

    def look(self, preview: AnnouncementPreview, store: str) -> Iterator[int]:
        """Shows `preview` every member of the store, and yields how many since the last time."""
        for tables in self.replicas.partition_tables():
            yield from visit_tables(preview, tables, store, self.clock.now)
