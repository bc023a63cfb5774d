"""A control record that nobody can work with is set aside: the last good one stays, over restarts too."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.access import ApiKey
from streams.codec import avro
from streams.codec.round_trip import encode_checked
from streams.delivery.records import Subscription
from streams.delivery.subscription_options import Condition
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.errors import Rejected
from streams.kafka.control_filter import ControlFilter
from streams.kafka.last_valid import LastValidRecords
from streams.kafka.unfit_records import RawRecord
from streams.state_version import Generation
from tests.samples import NOON, SETTINGS, uid

OTHER = replace(SETTINGS, store="OTHER")
WANTED = Subscription(
    subscription_id=uid(1), store="DEFAULT", event_name="*", url="https://shop.example/", created_at=NOON
)


def raw(key: str, value: Value | None, offset: int) -> RawRecord:
    data, schema = (None, None) if value is None else avro.encode(value)
    return RawRecord(offset, key.encode(), schema, data)


class Follower:
    """A process that follows the topic of settings, with the disk of its machine."""

    def __init__(self, home: Path | None = None) -> None:
        self.stores: dict[str, StoreSettings] = {}
        self.last_good = LastValidRecords(home / "settings.sqlite" if home else None)
        self.sieve = ControlFilter("settings", StoreSettings, self._apply, self.last_good)

    def _apply(self, store: str, settings: StoreSettings | None) -> None:
        if settings is None:
            self.stores.pop(store, None)
        else:
            self.stores[store] = settings

    def take(self, *records: RawRecord) -> None:
        for each in records:
            self.sieve.take(0, each)
        self.sieve.save()

    @property
    def told(self) -> list[str]:
        return [str(one) for one in self.sieve.aside.values()]


MARS = replace(SETTINGS, time_zone="Mars/Olympus")
BAD = [
    RawRecord(7, b"DEFAULT", "StoreSettings.v5", b"\xff\x00junk"),
    RawRecord(7, b"DEFAULT", "StoreSettings.v99", b""),
    RawRecord(7, b"DEFAULT", None, b""),
    raw("DEFAULT", MARS, 7),
    raw("DEFAULT", replace(SETTINGS, wallets=()), 7),
    raw("DEFAULT", OTHER, 7),
    raw("DEFAULT", WANTED, 7),
]


@pytest.mark.parametrize("bad", BAD)
def test_the_last_good_one_stays_and_no_other_store_is_touched(bad: RawRecord) -> None:
    follower = Follower()

    follower.take(raw("DEFAULT", SETTINGS, 3), raw("OTHER", OTHER, 4), bad)

    assert follower.stores == {"DEFAULT": SETTINGS, "OTHER": OTHER}
    (told,) = follower.told
    assert told.startswith("settings[0] at offset 7, key DEFAULT: ")
    assert told.endswith("; the record at offset 3 stays in force")


@pytest.mark.parametrize("bad", BAD)
def test_it_stays_over_a_restart_although_compaction_has_left_the_bad_one_alone(
    bad: RawRecord, tmp_path: Path
) -> None:
    Follower(tmp_path).take(raw("DEFAULT", SETTINGS, 3), raw("OTHER", OTHER, 4), bad)

    restarted = Follower(tmp_path)
    restarted.take(raw("OTHER", OTHER, 4), bad)

    assert restarted.stores == {"DEFAULT": SETTINGS, "OTHER": OTHER}
    assert len(restarted.told) == 1


@pytest.mark.parametrize("bad", BAD)
def test_where_no_good_one_is_known_the_others_are_served_all_the_same(
    bad: RawRecord, tmp_path: Path
) -> None:
    follower = Follower(tmp_path)

    follower.take(bad, raw("OTHER", OTHER, 8))

    assert follower.stores == {"OTHER": OTHER}
    assert follower.told[0].endswith("; nothing is in force for its key")


def test_a_good_one_or_its_end_puts_it_right(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    follower.take(raw("DEFAULT", SETTINGS, 3), raw("DEFAULT", MARS, 7))
    follower.take(raw("DEFAULT", replace(SETTINGS, revision=2), 8))
    assert (follower.told, follower.stores["DEFAULT"].revision) == ([], 2)

    follower.take(raw("DEFAULT", MARS, 9), raw("DEFAULT", None, 10), raw("DEFAULT", MARS, 11))

    assert follower.stores == {}
    restarted = Follower(tmp_path)
    restarted.take(raw("DEFAULT", MARS, 11))
    assert restarted.stores == {}, "what was ended came back from the disk"


def test_what_is_on_the_disk_of_another_topic_of_that_name_is_not_taken(tmp_path: Path) -> None:
    Follower(tmp_path).take(raw("DEFAULT", SETTINGS, 30))

    anew = Follower(tmp_path)
    anew.last_good.begin(end=12)
    anew.take(raw("DEFAULT", MARS, 11))

    assert anew.stores == {}


@pytest.mark.parametrize("damage", [b"", b"junk" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_lost_and_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "settings.sqlite").write_bytes(damage)
    follower = Follower(tmp_path)

    follower.take(raw("DEFAULT", SETTINGS, 3), raw("DEFAULT", MARS, 7))
    follower.take(raw("OTHER", OTHER, 8))

    assert follower.stores == {"DEFAULT": SETTINGS, "OTHER": OTHER}


def condition(value: str, operator: str = "eq") -> Subscription:
    return replace(WANTED, filter=(Condition(path="a", operator=operator, value=value),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "key", "value", "field"),
    [
        (Subscription, uid(1), condition("{bad"), "filter[0]"),
        (Subscription, uid(1), condition(""), "filter[0]"),
        (Subscription, uid(1), condition("NaN"), "filter[0]"),
        (Subscription, uid(1), condition("5", "in"), "filter[0]"),
        (Subscription, uid(1), condition("[" * 1000), "filter[0]"),
        (Subscription, uid(2), WANTED, "subscription_id"),
        (Generation, "state", Generation(number=0, layout=1, switched_at=NOON), "number"),
    ],
)
def test_what_means_nothing_is_neither_taken_nor_written(
    kind: type[Value], key: str, value: Value, field: str
) -> None:
    taken: dict[str, Value | None] = {}
    sieve = ControlFilter("topic", kind, taken.__setitem__, LastValidRecords(None))

    sieve.take(0, raw(key, value, 5))

    assert taken == {}
    assert [one.fault.field for one in sieve.aside.values()] == [field]
    with pytest.raises(Rejected, match=field.replace("[", r"\[")):
        encode_checked(value, key)


def test_no_value_of_a_bad_record_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret = "pbkdf2-of-a-password"
    key = ApiKey(api_key_id=uid(1), admin_id=uid(2), name="n", digest=secret, created_at=NOON)
    sieve = ControlFilter("api-keys", ApiKey, lambda *_: None, LastValidRecords(None))

    with caplog.at_level(logging.DEBUG):
        sieve.take(0, raw(uid(1), key, 5))
        sieve.take(0, raw("\x1b[31mred\n" + secret[:3], key, 6))
        Follower().take(raw("DEFAULT", replace(SETTINGS, time_zone=secret), 5))

    assert secret not in caplog.text
    assert "\x1b" not in caplog.text
    assert len(caplog.records) == 3


@given(st.binary(max_size=200), st.one_of(st.none(), st.sampled_from(["StoreSettings.v5", "Admin.v1", "x"])))
def test_whatever_bytes_come_the_good_ones_stay(data: bytes, schema: str | None) -> None:
    follower = Follower()
    follower.take(raw("DEFAULT", SETTINGS, 3))

    follower.take(RawRecord(7, b"DEFAULT", schema, data), RawRecord(8, data, schema, data))

    assert follower.stores == {"DEFAULT": SETTINGS}


FAR = datetime.fromisoformat("9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (replace(WANTED, active_from=FAR), "active_from"),
        (replace(WANTED, description="half \ud800"), "description"),
        (
            replace(SETTINGS, campaigns=(replace(SETTINGS.campaigns[0], active_from=FAR),)),
            "campaigns[0].active_from",
        ),
        (Generation(number=1 << 70, layout=1, switched_at=NOON.astimezone(UTC)), "number"),
    ],
)
def test_what_would_not_read_back_is_refused_by_its_field(value: Value, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        encode_checked(value)

    assert refused.value.field == field
