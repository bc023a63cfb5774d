"""What is fuzzed: functions of bytes that raise where anything gets out that is not promised."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from api.contract.listing import parse_query
from api.contract.url_policy import PublicTargets, target
from api.problems import Invalid
from api.services.subscriptions import SUBSCRIPTION_COLUMNS
from connectors.http.address_guard import host_refusal
from connectors.http.answer_reader import status_of
from connectors.http.excerpts import escape_controls
from connectors.http.retry_policy import read_retry_after
from connectors.imports.kind import ImportRun
from connectors.imports.reader import KINDS as FILES
from connectors.imports.reader import read
from streams.codec.avro import decode, released_schemas
from streams.domain.text import escape_text
from streams.domain.values import Value
from streams.errors import Misconfigured, Poison
from streams.topics import TOPICS

Target = Callable[[bytes], object]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS = {kind.__name__: kind for topic in TOPICS for kind in topic.values}
HEADERS = sorted(released_schemas())
_PUBLIC = PublicTargets(())


def record(data: bytes) -> Value | None:
    """The first two bytes say of which schema the others are."""
    header = HEADERS[int.from_bytes(data[:2], "big") % len(HEADERS)]
    with suppress(Poison):
        return decode(KINDS[header.rpartition(".v")[0]], data[2:], header)
    return None


def table(data: bytes) -> None:
    """The first byte says which kind of file the others are; the kind's columns stand before them."""
    kind = list(FILES.values())[(data or b"\0")[0] % len(FILES)]
    run = ImportRun("DEFAULT", NOON)
    head = ",".join(column.name for column in kind.columns(run)).encode() + b"\n" if len(data) % 2 else b""
    with suppress(Misconfigured):
        read(kind, head + data[1:], run)


def url(data: bytes) -> None:
    """What is accepted names no host that the guard would refuse."""
    text = data.decode(errors="surrogateescape")
    with suppress(ValueError):
        stored = target(text, _PUBLIC)
        stored.encode("ascii")
        host = stored.partition("://")[2].partition("/")[0]
        assert escape_text(stored) == stored
        assert host_refusal(host, ()) is None or ":" in host or "?" in host


def answer(data: bytes) -> None:
    """A status is one, and what is kept can be shown."""
    status = status_of(data)
    assert status is None or 100 <= status <= 999
    text = data.decode(errors="surrogateescape")
    read_retry_after(text, NOON)
    escape_controls(data.decode(errors="replace")).encode()


def listing(data: bytes) -> None:
    text = data.decode(errors="replace")
    with suppress(Invalid):
        parse_query(parse_qsl(text, keep_blank_values=True, max_num_fields=1000), SUBSCRIPTION_COLUMNS)


TARGETS: dict[str, Target] = {each.__name__: each for each in (record, table, url, answer, listing)}
