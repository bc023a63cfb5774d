"""Incompatible edits of schemas are found, and named: file, field, and what would be valid."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.check import HERE, find_problems, main, release

Field = dict[str, Any]
AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}


def field(name: str, kind: Any, **more: Any) -> Field:
    return {"name": name, "type": kind, **more}


def put(folder: Path, version: int, *fields: Field, name: str = "Gift") -> None:
    schema = {"type": "record", "name": name, "namespace": "loyalty.samples", "fields": list(fields)}
    (folder / f"{name}.v{version}.avsc").write_text(json.dumps(schema))


def found(folder: Path, *versions: tuple[Field, ...]) -> list[str]:
    """What is wrong once these versions of one schema are released."""
    for number, fields in enumerate(versions, 1):
        put(folder, number, *fields)
    release(folder)
    return list(find_problems(folder))


def test_the_schemas_of_this_project_are_frozen_and_compatible() -> None:
    assert list(find_problems(HERE)) == []


def test_a_released_schema_that_was_changed_is_named_with_the_version_to_add(tmp_path: Path) -> None:
    assert found(tmp_path, (field("id", "string"),)) == []

    put(tmp_path, 1, field("id", "string"), field("note", "string", default=""))

    assert list(find_problems(tmp_path)) == [
        "Gift.v1.avsc: is released and was changed; put it back, and add Gift.v2.avsc"
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (field("units", AMOUNT), field("units", AMOUNT | {"scale": 2})),
        (field("units", AMOUNT), field("units", AMOUNT | {"precision": 20})),
        (field("n", "int", default=1), field("n", "int", default=2)),
    ],
    ids=["scale", "precision", "default"],
)
def test_scale_precision_and_defaults_of_a_released_schema_are_frozen(
    tmp_path: Path, before: Field, after: Field
) -> None:
    assert found(tmp_path, (before,)) == []

    put(tmp_path, 1, after)

    assert len(list(find_problems(tmp_path))) == 1


def test_the_documentation_and_the_layout_of_a_released_schema_may_change(tmp_path: Path) -> None:
    assert found(tmp_path, (field("id", "string"),)) == []

    schema = json.loads((tmp_path / "Gift.v1.avsc").read_text())
    schema["fields"][0]["doc"] = "Whose."
    (tmp_path / "Gift.v1.avsc").write_text(json.dumps(schema | {"doc": "A gift."}, indent=8))

    assert list(find_problems(tmp_path)) == []


def test_a_released_schema_that_is_gone_is_named(tmp_path: Path) -> None:
    assert found(tmp_path, (field("id", "string"),)) == []

    (tmp_path / "Gift.v1.avsc").unlink()

    assert list(find_problems(tmp_path)) == ["Gift.v1.avsc: is released and gone; put it back"]


def test_releasing_never_changes_what_is_recorded(tmp_path: Path) -> None:
    assert found(tmp_path, (field("id", "string"),)) == []
    put(tmp_path, 1, field("id", "long"))
    put(tmp_path, 1, field("id", "long"), name="Other")

    assert release(tmp_path) == ["Other.v1.avsc"]

    assert [p.split(":")[0] for p in find_problems(tmp_path)] == ["Gift.v1.avsc"]


def test_a_new_schema_must_be_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, 1, field("id", "string"))

    assert main([], tmp_path) == 1
    assert capsys.readouterr().err == (
        "Gift.v1.avsc: is not recorded in released.json; record it by `python -m schemas.check --release`\n"
    )
    assert main(["--release"], tmp_path) == 0
    assert main([], tmp_path) == 0


def test_a_schema_is_named_as_its_file(tmp_path: Path) -> None:
    put(tmp_path, 1, field("id", "string"))
    (tmp_path / "Gift.v1.avsc").rename(tmp_path / "Present.v1.avsc")
    release(tmp_path)

    assert list(find_problems(tmp_path)) == [
        "Present.v1.avsc: name is 'Gift'; valid is 'Present', as the file's"
    ]


def test_a_field_may_come_and_go_where_it_has_a_default(tmp_path: Path) -> None:
    note = field("note", ["null", "string"], default=None)

    assert found(tmp_path, (field("id", "string"), note), (field("id", "string"),), (note,)) == [
        "Gift.v3.avsc: cannot be read by v1: id is missing where it was not written and has no default;"
        " valid is a field with a default",
        "Gift.v3.avsc: cannot be read by v2: id is missing where it was not written and has no default;"
        " valid is a field with a default",
    ]


MISSING = "is missing where it was not written and has no default; valid is a field with a default"
ADDRESS = {"type": "record", "name": "Address", "fields": [field("city", "string")]}
LARGER = {"type": "record", "name": "Address", "fields": [field("city", "string"), field("zip", "string")]}


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        ([], [field("note", "string")], [f"cannot read v1: note {MISSING}"]),
        ([field("note", "string")], [], [f"cannot be read by v1: note {MISSING}"]),
        (
            [field("units", AMOUNT)],
            [field("units", AMOUNT | {"scale": 2})],
            [
                "cannot read v1: units is decimal(18, 2); valid is decimal(18, 6)",
                "cannot be read by v1: units is decimal(18, 6); valid is decimal(18, 2)",
            ],
        ),
        (
            [field("n", "int")],
            [field("n", "long")],
            ["cannot be read by v1: n is int; valid is double or float or long"],
        ),
        (
            [field("at", {"type": "long", "logicalType": "timestamp-micros"})],
            [field("at", {"type": "long", "logicalType": "timestamp-millis"})],
            [
                "cannot read v1: at is timestamp-millis; valid is timestamp-micros",
                "cannot be read by v1: at is timestamp-micros; valid is timestamp-millis",
            ],
        ),
        (
            [field("note", ["null", "string"], default=None)],
            [field("note", "string")],
            ["cannot read v1: note does not take null; valid is a union that holds it"],
        ),
        (
            [field("homes", {"type": "array", "items": ADDRESS})],
            [field("homes", {"type": "array", "items": LARGER})],
            [f"cannot read v1: homes[].zip {MISSING}"],
        ),
        (
            [field("home", ["null", ADDRESS], default=None)],
            [field("home", ["null", LARGER], default=None)],
            [f"cannot read v1: home.zip {MISSING}"],
        ),
        (
            [field("kind", {"type": "enum", "name": "Kind", "symbols": ["A", "B"]})],
            [field("kind", {"type": "enum", "name": "Kind", "symbols": ["A"]})],
            [
                "cannot read v1: kind lacks the symbols ['B'];"
                " valid is to keep them, or an enum with a default"
            ],
        ),
        (
            [field("tags", {"type": "map", "values": "string"})],
            [field("tags", {"type": "map", "values": "boolean"})],
            [
                "cannot read v1: tags{} is boolean; valid is bytes or string",
                "cannot be read by v1: tags{} is string; valid is boolean",
            ],
        ),
    ],
    ids=[
        "added",
        "removed",
        "scale",
        "promoted",
        "logical",
        "null",
        "in a list",
        "in a union",
        "enum",
        "map",
    ],
)
def test_an_incompatible_version_is_named_with_its_field_and_what_would_be_valid(
    tmp_path: Path, old: list[Field], new: list[Field], reasons: list[str]
) -> None:
    assert found(tmp_path, tuple(old), tuple(new)) == [f"Gift.v2.avsc: {reason}" for reason in reasons]


def test_versions_that_are_not_neighbours_must_read_each_other_too(tmp_path: Path) -> None:
    """A number may become text by way of being absent; v1 and v3 alone tell."""
    number, text = field("n", "int", default=0), field("n", "string", default="")

    assert found(tmp_path, (number,), (), (text,)) == [
        "Gift.v3.avsc: cannot read v1: n is string; valid is double or float or int or long",
        "Gift.v3.avsc: cannot be read by v1: n is int; valid is bytes or string",
    ]


def test_a_type_named_once_and_used_again_is_followed(tmp_path: Path) -> None:
    old = (field("home", ADDRESS), field("work", "Address"))
    new = (field("home", ADDRESS), field("work", {**LARGER, "name": "Address"}))

    assert any("work.zip" in problem for problem in found(tmp_path, old, new))
