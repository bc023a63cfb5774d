"""For how long topics are kept: as the registry says, or LOYALTY_RETENTION."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from streams.errors import Misconfigured
from streams.settings import variable_name
from streams.topics import (
    ATTEMPTS,
    DAY,
    DEAD_LETTERS,
    DELIVERIES,
    EVENTS,
    POISON,
    REDRIVEN,
    SUBSCRIPTIONS,
    TOPICS,
    WEBHOOK_EVENTS,
    Topic,
)

FOREVER = "forever"
MUST_OUTLIVE = (
    (REDRIVEN, POISON, 7 * DAY),
    (REDRIVEN, DEAD_LETTERS, 7 * DAY),
    (WEBHOOK_EVENTS, DELIVERIES, timedelta(0)),
    (ATTEMPTS, DELIVERIES, timedelta(0)),
    (DEAD_LETTERS, DELIVERIES, timedelta(0)),
)
"""Which topic outlives which, by how much at least. What was re-driven would look as if it were not; and of a
delivery that is still there, its beginning and its end are asked for."""


def with_retention(said: Sequence[str], topics: Iterable[Topic] = TOPICS) -> tuple[Topic, ...]:
    """The topics, kept as the setting says. Raises Misconfigured, naming the topic and what is valid."""
    days = dict(each.split("=", 1) for each in said)
    for name, text in days.items():
        _check(name, text)
    whole = {topic.name: _kept(topic, days) for topic in TOPICS}
    for longer, shorter, by in MUST_OUTLIVE:
        _check_pair(days, whole[longer.name], whole[shorter.name], by)
    _check_history(days)
    return tuple(_kept(topic, days) for topic in topics)


def _check(name: str, text: str) -> None:
    valid = sorted(topic.name for topic in TOPICS if not topic.compacted)
    if name not in valid:
        raise _invalid(name, text, f"topics that are kept for a time are {', '.join(valid)}")
    if name == EVENTS.name and text != FOREVER:
        raise _invalid(name, text, f"all state follows from them: they are kept {FOREVER}")
    if name != EVENTS.name and text == FOREVER:
        raise _invalid(name, text, "nothing that may be personal is kept without end: give days, as 30d")


def _kept(topic: Topic, days: Mapping[str, str]) -> Topic:
    text = days.get(topic.name, FOREVER)
    return topic if text == FOREVER else replace(topic, retention=timedelta(days=int(text.rstrip("d"))))


def _check_pair(days: Mapping[str, str], longer: Topic, shorter: Topic, by: timedelta) -> None:
    if longer.retention and shorter.retention and longer.retention < shorter.retention + by:
        name = longer.name if longer.name in days else shorter.name
        most = f"{longer.name} is kept {longer.retention.days} days, {shorter.name} {shorter.retention.days}"
        more = f" and {by.days} days more" if by else ""
        raise _invalid(name, days[name], f"{longer.name} must outlive {shorter.name}{more}, but {most}")


def _check_history(days: Mapping[str, str]) -> None:
    kept, history = _kept(DELIVERIES, days).retention, SUBSCRIPTIONS.history
    if kept and history and kept > history:
        reason = f"at most {history.days}d, for which it is known who was subscribed to what"
        raise _invalid(DELIVERIES.name, days[DELIVERIES.name], reason)


def _invalid(name: str, text: str, reason: str) -> Misconfigured:
    return Misconfigured(f"{variable_name('retention')}={name}={text} is not valid: {reason}")
