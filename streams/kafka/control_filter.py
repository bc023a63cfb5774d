"""Parts the records of a control topic: what can be worked with is applied, the rest is set aside."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from streams.domain.values import Value
from streams.kafka.last_valid import LastValidRecords
from streams.kafka.unfit_records import (
    RawRecord,
    UnfitError,
    UnfitRecord,
    ValidRecord,
    printable_key,
    validate_record,
)

LOG = logging.getLogger(__name__)
V = TypeVar("V", bound=Value)
ApplyRecord = Callable[[str, V | None], None]
"""Called with the key; None: it is gone. May raise Unfit, before it changes anything."""


class ControlFilter(Generic[V]):
    """`aside` has the bad records after which no good one of their key has come, by key."""

    def __init__(self, topic: str, kind: type[V], apply: ApplyRecord[V], last_good: LastValidRecords) -> None:
        self.aside: dict[bytes, UnfitRecord] = {}
        self._topic = topic
        self._kind = kind
        self._apply = apply
        self._last_good = last_good
        self._in_force: dict[bytes, int] = {}
        self._fit: dict[bytes, int] = {}
        """The offset of each key's last record that was taken, a tombstone too."""
        self._unsaved: dict[bytes, RawRecord] = {}

    def take(self, partition: int, raw: RawRecord) -> None:
        """Raises what `apply` raises but Unfit."""
        try:
            self._put(validate_record(self._kind, raw))
        except UnfitError as unfit:
            self._restore(raw)
            fault, in_force = unfit.fault, self._in_force.get(raw.key)
            found = UnfitRecord(self._topic, partition, raw.offset, printable_key(raw.key), fault, in_force)
            self.aside[raw.key] = found
            LOG.error("set aside: %s", found)  # noqa: TRY400 - the stack tells nothing
        else:
            self.aside.pop(raw.key, None)
            self._unsaved[raw.key] = raw

    def save(self) -> None:
        """Keeps the good ones of those taken since the last time. Blocks for a moment."""
        unsaved, self._unsaved = self._unsaved, {}
        self._last_good.keep(unsaved.values())

    def _put(self, fit: ValidRecord[V]) -> None:
        self._apply(fit.key, fit.value)
        self._fit[fit.raw.key] = fit.raw.offset
        if fit.value is None:
            self._in_force.pop(fit.raw.key, None)
        else:
            self._in_force[fit.raw.key] = fit.raw.offset

    def _restore(self, bad: RawRecord) -> None:
        """The last good one from the disk, where the log has lost it."""
        kept = self._last_good.find(bad.key, bad.offset)
        if kept is None or kept.offset <= self._fit.get(bad.key, -1):
            return
        try:
            self._put(validate_record(self._kind, kept))
        except UnfitError as unfit:
            LOG.warning("%s: what was kept of key %s is of no use either: %s", self._topic, unfit.key, unfit)
