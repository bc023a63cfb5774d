"""The shape of the code: a pure core, Kafka behind one door, nothing on import, small parts."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import quantiles

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("streams", "schemas", "connectors", "api")
PURE = (
    "streams.domain",
    "streams.derived",
    "streams.webhooks",
    "streams.delivery",
    "streams.pipeline_health",
)
# No clock, chance, environment, disk, network or log among them.
PURE_STDLIB = {
    "bisect",
    "calendar",
    "collections",
    "collections.abc",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "operator",
    "re",
    "typing",
    "unicodedata",
    "uuid",
    "zoneinfo",
}
PURE_OTHERS = {"msgspec", "phonenumbers", "email_validator", "streams.errors", "streams.rejections"}
READS_THE_CLOCK = {"now", "utcnow", "today"}
DRAWS = {"uuid1", "uuid4"}
KAFKA = {"confluent_kafka", "faust", "mode", "aiokafka"}
FOREIGN_PRODUCERS = {"schemas.example_producer"}
"""Shows those who have nothing of ours how to write a command; nothing imports it."""
KNOW_KAFKA = tuple(
    f"streams.{room}" for room in ("kafka", "runtime", "migration", "reconcile", "projections", "jobs")
)
BESIDE_THE_DOOR = {
    # Its producer also writes what no schema reads, and to partitions of its choice.
    "api.cli.demo.player",
    # Asks a broker just started whether it answers.
    "streams.local_broker.ports",
}
"""Know Kafka's clients or Faust's services, and should not: a debt that may shrink only."""


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text())


def imports(module: str) -> Iterator[str]:
    """Every module that it names in an import, wherever in it that stands."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively: a reader must see from where"
            base = node.module or ""
            # `from streams import codec` names a module by its last part.
            parts = {f"{base}.{alias.name}" for alias in node.names}
            yield from {part for part in parts if part in modules()} or {base}


def inside(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def some(*packages: str) -> list[str]:
    return [module for module in modules() if inside(module, *packages)]


def reached(module: str) -> set[str]:
    """All of the project's modules that importing it leads to."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        here = todo.pop()
        if here not in seen and here in modules():
            seen.add(here)
            todo += imports(here)
    return seen


@pytest.mark.parametrize("module", some(*PURE))
def test_the_pure_core_imports_nothing_that_reaches_out(module: str) -> None:
    allowed = PURE_STDLIB | PURE_OTHERS
    out = [m for m in imports(module) if m not in allowed and not inside(m, *PURE, "msgspec")]

    assert out == []


@pytest.mark.parametrize("module", some(*PURE))
def test_the_pure_core_reads_no_clock_and_draws_nothing(module: str) -> None:
    calls = [node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    names = [f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls]

    assert [name for name in names if name in READS_THE_CLOCK | DRAWS | {"print", "open", "input"}] == []


def test_the_rooms_that_follow_the_log_know_kafka_and_no_others() -> None:
    knows = {module for module in modules() if any(m.split(".")[0] in KAFKA for m in imports(module))}

    assert {m for m in knows - FOREIGN_PRODUCERS if not inside(m, *KNOW_KAFKA)} == BESIDE_THE_DOOR


def test_only_the_runtime_knows_faust() -> None:
    knows = {module for module in modules() if {"faust", "mode"} & {m.split(".")[0] for m in imports(module)}}

    assert {module for module in knows if not inside(module, "streams.runtime")} == set()


def arrows_up(order: Sequence[str], package: str) -> list[str]:
    """Imports of a room that stands below the importing one in its package's map."""
    rank = {room: number for number, room in enumerate(order)}
    return [
        f"{module} imports {other}"
        for module in some(package)
        for other in imports(module)
        if module.count(".")
        and other.startswith(f"{package}.")
        and rank[other.split(".")[1]] > rank[module.split(".")[1]]
    ]


@pytest.mark.parametrize("package", ["streams", "api"])
def test_no_room_imports_one_that_stands_below_it_in_the_map(package: str) -> None:
    """The map is the package's docstring: read from the top, it names nothing that is not known yet."""
    said = ast.get_docstring(ast.parse(modules()[package].read_text())) or ""
    rooms = re.findall(r"^(\w+)  |; (\w+): ", said, re.MULTILINE)
    order = [first or second for first, second in rooms]

    assert sorted(order) == sorted({m.split(".")[1] for m in some(package) if m != package})
    assert arrows_up(order, package) == []


def test_kafka_clients_are_made_in_one_place() -> None:
    """So that all that uses them runs on the simulated cluster too."""
    classes = {"Consumer", "Producer", "AdminClient"}
    makers = {
        module
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("confluent_kafka")
        and classes & {alias.name for alias in node.names}
    }

    # They check an operator's properties, and whether a broker just started answers: on no cluster yet.
    beside_it = {"streams.kafka.clients", "streams.local_broker.ports"}
    # And one asks in a process of its own, of which nothing is left that a seed could drive.
    assert makers - FOREIGN_PRODUCERS == beside_it | {"streams.kafka.group_describer"}


def test_the_registry_of_topics_the_stages_and_the_codec_can_be_read_without_kafka() -> None:
    for start in ("streams.topics", "streams.codec.avro", "streams.tables.tables", *some("streams.stages")):
        for module in reached(start):
            clients = [m for m in imports(module) if m.split(".")[0] in KAFKA]
            assert clients == [], f"{start} reaches {module}, which imports {clients}"


@pytest.mark.parametrize("module", some("streams"))
def test_streams_knows_neither_connectors_nor_the_api(module: str) -> None:
    assert [m for m in imports(module) if inside(m, "connectors", "api", "tests")] == []


@pytest.mark.parametrize("module", some("connectors"))
def test_connectors_do_not_know_the_api(module: str) -> None:
    assert [m for m in imports(module) if inside(m, "api", "tests")] == []


IMPORT_EVERYTHING = """
import importlib, socket, subprocess, sys, threading

def forbidden(*_, **__):
    raise AssertionError("importing a module must do nothing")

# What libraries do on import is theirs: one of them asks the system's `file` how wide a word is.
import confluent_kafka, faust.app.base, fastapi, aiohttp, httpx, mode.services, rocksdict, uvicorn

before = threading.active_count()
socket.socket.connect = socket.socket.bind = forbidden
threading.Thread.start = subprocess.Popen.__init__ = forbidden
for name in sys.argv[1:]:
    importlib.import_module(name)
assert threading.active_count() == before, threading.enumerate()
"""


def test_nothing_happens_on_import() -> None:
    """Neither connections, threads nor processes; and no setting is read: an invalid one is not noticed."""
    names = [name for name in modules() if not name.endswith("__main__") and name not in FOREIGN_PRODUCERS]
    environment = {"PATH": "", "KAFKA_BOOTSTRAP_SERVERS": "not valid", "LOYALTY_PARTITIONS": "not valid"}

    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, *names],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr[-2_000:]) == (0, "", "")


def test_modules_are_small() -> None:
    sizes = {module: len(path.read_text().splitlines()) for module, path in modules().items()}

    assert {module for module, size in sizes.items() if size > 300} == set()


def test_nine_functions_in_ten_have_thirty_lines_at_most() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert quantiles(lengths, n=10)[-1] <= 30
