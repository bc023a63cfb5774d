"""`loyalty store`: what it says of a file, without Kafka; its page, schema and example."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import inspect
from msgspec.structs import replace
from typer.testing import CliRunner

from api.cli import app
from api.cli.store import parsed
from api.contract.store_fields import FIELD_MEANINGS, TITLES
from api.contract.store_file import (
    EXAMPLE,
    differences,
    read_store_file,
    store_page,
    store_schema,
    write_store_file,
)
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from tests.scenarios.store import SETTINGS

DOCS = Path(__file__).parents[2] / "docs"


def example() -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(EXAMPLE.read_text())
    return tree


def change(tree: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split("/")
    here: Any = tree
    for part in parents:
        here = here[int(part) if part.isdigit() else part]
    here[int(last) if last.isdigit() else last] = value


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("teir_sets", [], "teir_sets is no field: did you mean 'tier_sets'?"),
        ("unit_expiring_days", [3], "unit_expiring_days is no field: did you mean 'units_expiring_days'?"),
        ("Store", "X", "Store is no field: did you mean 'store'?"),
        ("wallets/0/nmae", "x", "wallets[0].nmae is no field: did you mean 'name'?"),
        (
            "campaigns/1/conditions/1/op",
            "is",
            "campaigns[1].conditions[1].op is no field: did you mean 'operator'?",
        ),
        (
            "campaigns/2/effects/2/attribute/k",
            "x",
            "campaigns[2].effects[2].attribute.k is no field: valid: ",
        ),
        (
            "tier_sets/0/tiers/1/treshold",
            [],
            "tier_sets[0].tiers[1].treshold is no field: did you mean 'thres",
        ),
        (
            "wallets/0/expiry",
            "after_days",
            "wallets[0].expiry 'after_days' is not valid: did you mean 'after_x_",
        ),
        ("return_shortfall", "?", "return_shortfall '?' is not valid: valid: debt, waived"),
        (
            "wallets/0/locked_for_days",
            "14",
            'wallets[0].locked_for_days "14" is not valid: expected \'int | n',
        ),
        ("wallets/0/locked_for_days", 0, "wallets[0].locked_for_days 0 is not valid: expected 'int' >= 1"),
        ("wallets/0/active", "yes", "wallets[0].active \"yes\" is not valid: expected 'bool', got 'str'"),
        ("wallets", {}, "wallets {} is not valid: expected 'array', got 'object'"),
        ("wallets/0", [], "wallets[0] [] is not valid: expected 'object', got 'array'"),
        (
            "units_expiring_days",
            [7, None],
            "units_expiring_days[1] null is not valid: expected 'int', got 'null'",
        ),
        ("time_zone", "Europe/Warszawa", "time_zone 'Europe/Warszawa' is no zone of the tz database"),
    ],
)
def test_a_mistake_at_any_depth_is_told_by_field_value_and_what_is_valid(
    path: str, value: object, complaint: str, tmp_path: Path
) -> None:
    tree = example()
    change(tree, path, value)
    file = tmp_path / "store.json"
    file.write_text(json.dumps(tree))

    with pytest.raises(Misconfigured) as told:
        parsed(file)

    assert str(told.value).startswith(f"{file}: {complaint}")


def test_all_unknown_fields_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "store.json"
    file.write_text(json.dumps({**example(), "teir_sets": [], "unit_expiring_days": []}))

    with pytest.raises(Misconfigured) as told:
        parsed(file)

    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "is no JSON: Input data was truncated"),
        (
            b'{"store": "A",\n "wallets": [}',
            "is no JSON: JSON is malformed: invalid character (byte 28), in line 2",
        ),
        (b'{"store": "A", "store": "B"}', "store is there twice in one object"),
        (b"[]", "must be one JSON object: expected 'object', got 'array'"),
        (b"{}", "store is missing"),
        (b"[" * 3000, "is nested too deeply"),
        (b"\xff\xfe", "is no JSON"),
        (b'{"store": NaN}', "is no JSON"),
    ],
)
def test_what_is_no_settings_at_all_is_told_too(text: bytes, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "store.json"
    file.write_bytes(text)

    with pytest.raises(Misconfigured) as told:
        parsed(file)

    assert str(told.value).startswith(f"{file}: {complaint}")


def test_check_says_what_a_valid_file_has_and_needs_no_kafka(tmp_path: Path) -> None:
    file = tmp_path / "store.json"
    shown = CliRunner().invoke(app, ["store", "example"])
    file.write_text(shown.output)

    answer = CliRunner().invoke(app, ["store", "check", str(file)])

    assert (
        answer.output == f"{file} is valid: store DEFAULT, 2 wallets, 3 campaigns, 2 rewards, 1 tier sets\n"
    )


@pytest.mark.parametrize(
    "settings", [SETTINGS, read_store_file(EXAMPLE.read_bytes())], ids=["all", "example"]
)
def test_what_get_prints_put_takes_again(settings: StoreSettings) -> None:
    assert read_store_file(write_store_file(settings).encode()) == settings


def test_differences_are_told_by_field_and_parts_are_known_by_their_id() -> None:
    stored = read_store_file(EXAMPLE.read_bytes())
    first, second, third = stored.campaigns
    dearer = replace(first, points_per_currency_unit=Decimal(2))

    changed = replace(stored, campaigns=(third, dearer), time_zone="UTC", revision=7)

    assert [*differences(stored, stored)] == []
    assert [(path, after) for path, _, after in differences(stored, changed)] == [
        ("time_zone", "UTC"),
        (f"campaigns[{first.campaign_id}].points_per_currency_unit", Decimal(2)),
        (f"campaigns[{second.campaign_id}]", None),
    ]


def test_each_field_has_its_meaning_and_no_other_has() -> None:
    for kind, meanings in FIELD_MEANINGS.items():
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        assert {field.name for field in info.fields} == set(meanings), kind.__name__
    assert list(TITLES) == list(FIELD_MEANINGS)
    assert {*store_schema()["$defs"]} == {kind.__name__ for kind in FIELD_MEANINGS}


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("store-settings.md", store_page),
        ("store.schema.json", lambda: json.dumps(store_schema(), indent=2, ensure_ascii=False) + "\n"),
    ],
)
def test_the_committed_page_and_schema_are_current(file: str, made: Callable[[], str]) -> None:
    assert (DOCS / file).read_text() == made(), f"`loyalty store docs` and `schema` make docs/{file} anew"


def test_the_schema_takes_what_the_program_takes_and_refuses_a_misspelled_field() -> None:
    Draft202012Validator.check_schema(store_schema())
    editor = Draft202012Validator(store_schema())

    assert [*editor.iter_errors(example())] == []
    assert [*editor.iter_errors(json.loads(write_store_file(SETTINGS)))] == []
    assert [*editor.iter_errors({**example(), "teir_sets": []})] != []
    wrong = example()
    change(wrong, "wallets/0/expiry", "sometimes")
    assert [*editor.iter_errors(wrong)] != []
