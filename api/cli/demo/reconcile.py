"""Compares what the receiver got with what was published. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from api.cli.demo.totals import Kind, Totals
from connectors.http.receiver import LogLine
from streams.webhooks.names import LEGACY_TYPES, resolve_event_name


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of delivery. `arrived` counts distinct messages at the receiver."""

    event_name: str
    legacy: bool
    webhook_events: int
    subscriptions: int
    arrived: int
    agrees: bool


def reconcile_receiver(
    totals: Totals, subscriptions: Iterable[Kind], received: Iterable[LogLine]
) -> list[Row]:
    """A row for each kind that is subscribed to: webhook events × subscriptions = distinct messages.

    The messageIds of new bodies must be exactly the ids of the deliveries. Legacy bodies have none: at least
    as many requests as deliveries must have arrived, because an attempt may be repeated.
    """
    ids, legacy_requests = _read_arrivals(received)
    wanted = Counter(subscriptions)
    published: defaultdict[Kind, set[str]] = defaultdict(set)
    for delivery_id, kind in totals.deliveries.items():
        published[kind].add(delivery_id)
    rows = []
    for (name, legacy), count in sorted(wanted.items()):
        expected = published[name, legacy]
        arrived = expected & totals.delivered if legacy else ids[name]
        enough = legacy_requests[LEGACY_TYPES[name]] >= len(arrived) if legacy else True
        events = totals.webhook_events[name]
        agrees = enough and arrived == expected and len(arrived) == events * count
        rows.append(Row(name, legacy, events, count, len(arrived), agrees))
    return rows


def _read_arrivals(received: Iterable[LogLine]) -> tuple[defaultdict[str, set[str]], Counter[str]]:
    """The messageIds of each event, and the requests of each legacy type."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    requests: Counter[str] = Counter()
    for line in received:
        if line.message_id is None:
            requests[line.event_name] += 1
        else:
            # The names may be the dotted ones: a setting says so.
            ids[resolve_event_name(line.event_name) or line.event_name].add(line.message_id)
    return ids, requests
