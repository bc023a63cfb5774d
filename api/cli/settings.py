"""`loyalty settings`: shows every setting."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def show(json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Show every setting with its variable, present value, default and meaning. Secrets are not shown."""
    from streams import settings

    now = settings.load_settings()
    if json_lines:
        for name, field in settings.Settings.model_fields.items():
            value, default = getattr(now, name), _default(field)
            row = {"variable": settings.variable_name(name), "value": _json_value(value)}
            row |= {"default": _json_value(default), "meaning": field.description}
            print(json.dumps(row, ensure_ascii=False))
        return
    table = Table("variable and meaning", "now", "default", box=box.SIMPLE_HEAD, pad_edge=False)
    # Values are paths and lists: they may be cut anywhere, and must leave room for the meaning.
    for column in table.columns[1:]:
        column.overflow, column.max_width = "fold", 24
    for name, field in settings.Settings.model_fields.items():
        value, default = _format_value(getattr(now, name)), _format_value(_default(field))
        explained = Text.assemble((settings.variable_name(name), "bold"), "\n", field.description or "")
        table.add_row(explained, Text(value, "" if value == default else "bold green"), Text(default))
    Console().print(table)


def _json_value(value: object) -> object:
    """Numbers and texts as they are, lists as lists; whatever else as it is written in the environment."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return [str(item) for item in value] if isinstance(value, Iterable) else str(value)


def _default(field: "FieldInfo") -> object:
    default: object = field.get_default(call_default_factory=True, validated_data={})
    return default


def _format_value(value: object) -> str:
    """The value as it is written in the environment, or a dash if there is none."""
    if value is None:
        return "–"
    if isinstance(value, str) or not isinstance(value, Iterable):
        return str(value)
    return ",".join(str(item) for item in value) or "–"
