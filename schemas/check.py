"""`python -m schemas.check`: checks that released schemas are unchanged and that all versions of a name read
each other.

Topics outlive the programs that wrote them, so a reader meets every version that was ever released. While
workers are replaced one by one, an old program reads what a new one wrote. So all pairs are checked, in both
directions. `--release` records new files, and never changes what is recorded.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

from schemas.compatibility import incompatibilities

HERE = Path(__file__).parent
RELEASED = "released.json"


def fingerprint(schema: Any) -> str:
    """SHA-256 of everything that decides how bytes are read: defaults and a decimal's scale included, `doc`
    left out."""
    return sha256(json.dumps(_bare(schema), sort_keys=True).encode()).hexdigest()


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if isinstance(schema, dict):
        # A field's default is data: a key `doc` inside it would mean something.
        return {k: v if k == "default" else _bare(v) for k, v in schema.items() if k != "doc"}
    return schema


def find_problems(folder: Path) -> Iterator[str]:
    """What is wrong in `folder`, one sentence each, naming the file and what would be valid."""
    schemas = _read(folder)
    yield from _unfrozen(schemas, _read_released(folder))
    for name, version, schema in _versions(schemas):
        if schema.get("name") != name:
            yield f"{name}.v{version}.avsc: name is {schema.get('name')!r}; valid is {name!r}, as the file's"
    yield from _torn(schemas)


def _unfrozen(schemas: dict[str, Any], recorded: dict[str, str]) -> Iterator[str]:
    for file, digest in recorded.items():
        if file not in schemas:
            yield f"{file}: is released and gone; put it back"
        elif fingerprint(schemas[file]) != digest:
            name, _, version = file.removesuffix(".avsc").rpartition(".v")
            yield f"{file}: is released and was changed; put it back, and add {name}.v{int(version) + 1}.avsc"
    for file in schemas.keys() - recorded.keys():
        yield f"{file}: is not recorded in {RELEASED}; record it by `python -m schemas.check --release`"


def _torn(schemas: dict[str, Any]) -> Iterator[str]:
    for (name, low, old), (other, high, new) in combinations(_versions(schemas), 2):
        if name != other:
            continue
        for writer, reader, file, against in (
            (old, new, f"{name}.v{high}.avsc", f"v{low}"),
            (new, old, f"{name}.v{high}.avsc", f"v{low}"),
        ):
            direction = "cannot read" if reader is new else "cannot be read by"
            for field, reason in incompatibilities(writer, reader):
                yield f"{file}: {direction} {against}: {field} {reason}"


def _versions(schemas: dict[str, Any]) -> list[tuple[str, int, Any]]:
    split = [(*file.removesuffix(".avsc").rsplit(".v", 1), schema) for file, schema in schemas.items()]
    return sorted(((name, int(version), schema) for name, version, schema in split), key=lambda v: v[:2])


def _read(folder: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.avsc"))}


def _read_released(folder: Path) -> dict[str, str]:
    path = folder / RELEASED
    recorded: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return recorded


def release(folder: Path) -> list[str]:
    """Records new files. Returns their names."""
    recorded = _read_released(folder)
    new = {file: fingerprint(schema) for file, schema in _read(folder).items() if file not in recorded}
    (folder / RELEASED).write_text(json.dumps(dict(sorted({**recorded, **new}.items())), indent=2) + "\n")
    return sorted(new)


def main(arguments: list[str], folder: Path = HERE) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m schemas.check", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--release", action="store_true", help="record the new files as released")
    if parser.parse_args(arguments).release:
        for file in release(folder):
            print(f"{file}: recorded")  # noqa: T201
    found = list(find_problems(folder))
    for problem in found:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
