"""JSON that becomes a value of ours: whatever is wrong with it is told by field, value and what is valid."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from streams.domain.values import Value
from streams.spelling import suggest

V = TypeVar("V", bound=Value)
Spell = Callable[[str], str]
LONGEST_SHOWN = 60
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|\[\.\.\.\]")


@dataclass(frozen=True, slots=True)
class Problem:
    """Where it is, such as `wallets[0].expiry`, empty for the whole; and what is wrong."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path} {self.text}".lstrip()


class Unfit(Exception):
    """All that is wrong with the JSON."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def decode_checked(kind: type[V], data: bytes, spell: Spell = str, ignored: Collection[str] = ()) -> V:
    """Reads a value of `kind`. Raises Unfit for text that is no JSON, fields that there are not at any depth,
    fields given twice, values that are none of those allowed, and fields of another type. `spell` makes of a
    field's name what the sender calls it. `ignored` fields may be beside those of the value."""
    tree = _read_tree(data)
    known = {k: v for k, v in tree.items() if k not in ignored} if isinstance(tree, dict) else tree
    problems = [*_problems(inspect.type_info(kind), known, "", spell)]
    if problems:
        raise Unfit(*problems)
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise Unfit(_describe(str(error), tree, spell)) from None


def _read_tree(data: bytes) -> Any:
    twice: list[str] = []

    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice.extend(name for name in dict.fromkeys(names) if names.count(name) > 1)
        return dict(pairs)

    try:
        # Reads all that is JSON, and more; the decoder of the value is stricter.
        msgspec.json.Decoder(float_hook=str).decode(data)
        tree = json.loads(data, object_pairs_hook=read_object)
    except msgspec.DecodeError as error:
        raise Unfit(Problem("", f"is no JSON: {error}{_line(data, str(error))}")) from None
    except RecursionError:
        raise Unfit(Problem("", "is nested too deeply")) from None
    except ValueError as error:
        raise Unfit(Problem("", f"is no JSON: {error}")) from None
    if twice:
        raise Unfit(*(Problem(name, "is there twice in one object") for name in twice))
    return tree


def _line(data: bytes, reason: str) -> str:
    found = re.search(r"\(byte (\d+)\)", reason)
    return f", in line {data.count(10, 0, int(found[1])) + 1}" if found else ""


def _problems(kind: inspect.Type, tree: Any, path: str, spell: Spell) -> Iterator[Problem]:
    """Fields and texts that there are not. Of a tree of another shape the decoder says so."""
    match kind, tree:
        case inspect.Metadata(type=inner), _:
            yield from _problems(inner, tree, path, spell)
        case inspect.UnionType(types=kinds), _ if tree is not None:
            for each in kinds:
                yield from _problems(each, tree, path, spell)
        case inspect.StructType(fields=fields), dict():
            known = {field.encode_name: field.type for field in fields}
            for name, value in tree.items():
                place = f"{path}.{spell(name)}".removeprefix(".")
                if name in known:
                    yield from _problems(known[name], value, place, spell)
                else:
                    yield Problem(
                        place, f"is no field: {suggest(spell(name), map(spell, known), len(known))}"
                    )
        case ((inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item)), list()):
            for index, each in enumerate(tree):
                yield from _problems(item, each, f"{path}[{index}]", spell)
        case inspect.LiteralType(values=values), str() if tree not in values:
            texts = [value for value in values if isinstance(value, str)]
            yield Problem(path, f"{tree!r} is not valid: {suggest(tree, texts, len(texts))}")
        case _:
            pass


def _describe(reason: str, tree: Any, spell: Spell) -> Problem:
    """A decoder's reason, such as "Expected `int`, got `str` - at `$.wallets[0].x`", by field and value."""
    text, _, place = reason.partition(" - at `$")
    steps = _STEP.findall(place.rstrip("`"))
    text = text[:1].lower() + text[1:].replace("`", "'")
    missing = re.fullmatch(r"object missing required field '(\w+)'", text)
    if missing:
        return Problem(_join([*steps, (missing[1], "")], spell), "is missing")
    if not steps:
        return Problem("", f"must be one JSON object: {text}")
    found = tree
    for name, index in steps:
        try:
            found = found[name] if name else found[int(index)]
        except (LookupError, TypeError, ValueError):
            return Problem(_join(steps, spell), f"is not valid: {text}")
    shown = json.dumps(found, ensure_ascii=False)
    if len(shown) > LONGEST_SHOWN:
        shown = f"{shown[:LONGEST_SHOWN]}…"
    return Problem(_join(steps, spell), f"{shown} is not valid: {text}")


def _join(steps: list[tuple[str, str]], spell: Spell) -> str:
    return "".join(f".{spell(name)}" if name else f"[{index}]" for name, index in steps).removeprefix(".")
