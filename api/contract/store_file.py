"""A store's settings as a file: read and checked, written, compared; its JSON Schema and its page."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from api.contract.checked_json import Problem, Unfit, decode_checked
from api.contract.store_fields import FIELD_MEANINGS, TITLES
from streams.domain.store import StoreSettings

EXAMPLE = Path(__file__).with_name("store_example.json")
"""Each part of the settings once; a test holds that it is valid."""
SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def read_store_file(data: bytes) -> StoreSettings:
    """Reads and checks the settings. Raises Unfit. `$schema` is for editors."""
    settings = decode_checked(StoreSettings, data, ignored=("$schema",))
    try:
        settings.check()
    except ValueError as error:
        raise Unfit(Problem("", str(error))) from None
    return settings


def write_store_file(settings: StoreSettings) -> str:
    """The settings as `read_store_file` reads them, all defaults written out."""
    return json.dumps(msgspec.to_builtins(settings), indent=2, ensure_ascii=False)


def differences(stored: StoreSettings, file: StoreSettings) -> Iterator[tuple[str, Any, Any]]:
    """Each field that differs: path, what is stored, what the file has; None where there is none. Parts with
    an id are compared by it, wherever they stand. The revision is left out."""
    # Amounts stay amounts: 5 and 5.00 are the same.
    before, after = (msgspec.to_builtins(each, builtin_types=(Decimal,)) for each in (stored, file))
    yield from _differences({**before, "revision": 0}, {**after, "revision": 0}, "")


def _differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            place = f"{path}[{name}]" if name.startswith("#") else f"{path}.{name}".removeprefix(".")
            yield from _differences(before.get(name), after.get(name), place.replace("[#", "["))
    elif (old := _by_id(before)) is not None and (new := _by_id(after)) is not None and (old or new):
        yield from _differences(old, new, path)
    elif before != after:
        yield path, before, after


def _by_id(parts: Any) -> dict[str, Any] | None:
    """Parts by the id that each begins with, marked so that it is no field's name; None if they have none."""
    if not isinstance(parts, tuple):
        return None
    named = {}
    for part in parts:
        field = (
            next((name for name in part if name.endswith("_id")), None) if isinstance(part, dict) else None
        )
        if field is None:
            return None
        named[f"#{part[field]}"] = part
    return named


def store_schema() -> dict[str, Any]:
    """The JSON Schema of the file, which editors read to complete and to check it."""
    (top,), parts = msgspec.json.schema_components([StoreSettings], ref_template="#/$defs/{name}")
    for kind, meanings in FIELD_MEANINGS.items():
        part = parts[kind.__name__]
        part["additionalProperties"] = False
        for name, meaning in meanings.items():
            part["properties"][name] = _readable(part["properties"][name]) | {"description": meaning}
    parts["StoreSettings"]["properties"]["$schema"] = {"type": "string", "description": "For editors."}
    title = {"title": "Settings of a loyalty store"}
    tree = {"$schema": SCHEMA_ID, **title, **top, "$defs": parts}
    # Python's sign for the end of a text; in ECMA 262, which JSON Schema follows, `$` is that already.
    text: dict[str, Any] = json.loads(json.dumps(tree).replace("\\\\Z", "$"))
    return text


def _readable(field: Any) -> Any:
    """What reads amounts takes numbers too."""
    if isinstance(field, dict):
        if field.get("format") == "decimal":
            return {**field, "type": ["string", "number"]}
        return {name: _readable(part) for name, part in field.items()}
    return [_readable(part) for part in field] if isinstance(field, list) else field


def store_page() -> str:
    """All fields by their part, as Markdown."""
    lines = [
        "# The settings of a store, field by field",
        "",
        "`loyalty store docs` prints this page from the types that read the file; a test compares them.",
        "`loyalty store example` prints a file with each part, `loyalty store check FILE` validates one",
        "without Kafka, `loyalty store put FILE` stores it, and `loyalty store diff FILE` shows what that",
        'would change. A field that is not here is refused. Amounts are numbers, or texts such as "5.00", of',
        "six decimals at most; instants are ISO 8601 with a zone. [The rules](loyalty-rules.md) say what the",
        "settings do.",
        "",
        'For completion in an editor, put `"$schema": "store.schema.json"` into the file, beside',
        "[store.schema.json](store.schema.json), which `loyalty store schema` prints.",
    ]
    for kind, title in TITLES.items():
        lines += ["", f"## {title}", "", "| field | type | default | meaning |", "|---|---|---|---|"]
        info = inspect.type_info(kind)
        for field in info.fields if isinstance(info, inspect.StructType) else ():
            meaning = FIELD_MEANINGS[kind][field.name]
            lines.append(f"| `{field.name}` | {_type(field.type)} | {_default(field)} | {meaning} |")
    return "\n".join([*lines, ""])


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    default = msgspec.to_builtins(field.default)
    return "–" if default is None else f"`{json.dumps(default)}`" if default != () else "`[]`"


def _type(kind: inspect.Type) -> str:  # noqa: PLR0911 - one line for each kind
    match kind:
        case inspect.UnionType(types=kinds):
            return " or ".join(_type(each) for each in kinds if not isinstance(each, inspect.NoneType))
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in sorted(values, key=str))
        case inspect.VarTupleType(item_type=item, max_length=most):
            return f"list of {_type(item)}{f', at most {most:,}' if most else ''}"
        case inspect.IntType(ge=least, le=most):
            return (
                "number" if least is None else f"{least:,} or more" if most is None else f"{least:,}–{most:,}"
            )
        case inspect.StrType(pattern=pattern, max_length=most):
            return _TEXTS.get((pattern or "")[:6], f"text of at most {most}" if most else "text")
        case inspect.StructType(cls=cls):
            title = next(title for of, title in TITLES.items() if of is cls)
            return f"[{cls.__name__}](#{_anchor(title)})"
        case inspect.DateTimeType():
            return "instant"
        case inspect.BoolType():
            return "true or false"
        case _:
            return "amount"


_TEXTS = {"^[0-9a": "UUID", "^[A-Za": "code: 1 to 64 letters, digits and _.-", "^(0[1-": "month and day"}


def _anchor(title: str) -> str:
    kept = "".join(c for c in title.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
