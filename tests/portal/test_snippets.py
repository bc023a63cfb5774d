"""The code that receivers paste verifies what the code that signs has signed, and nothing else."""

import importlib.util
import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.portal.guides import SNIPPET_FOLDER, SNIPPETS
from connectors.http.signing import sign_original, sign_standard
from connectors.http.signing_keys import HmacKey, new_secret, read_key
from connectors.http.urls import Target, target

CALLERS = Path(__file__).parent / "callers"
NOW = 1_800_000_000
AT = datetime.fromtimestamp(NOW, UTC)
BODY = '{"data":{"city":"Łódź 🎁","amount":652.30}}'.encode()
OLD, NEW, FOREIGN = (new_secret("hmac") for _ in range(3))
WITHIN = 300


@dataclass(frozen=True)
class Case:
    """`host` None: Standard Webhooks; else the original platform's signature."""

    secrets: tuple[str, ...]
    headers: dict[str, str]
    body: bytes = BODY
    now: int = NOW
    host: str | None = None
    path: str = ""


def key(secret: str) -> HmacKey:
    found = read_key(secret)
    assert isinstance(found, HmacKey)
    return found


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


STANDARD = Case((NEW,), sign_standard("a-message", AT, BODY, [key(OLD), key(NEW)]))
TARGET: Target = target("https://Shop.Example:8443/hooks/a%20b?q=1")
ORIGINAL = Case(
    (NEW,),
    lower(sign_original(TARGET, "a-request", AT, BODY, key=key(NEW), version=2)),
    host="shop.example",
    path="/hooks/a%20b",
)


def tampered(case: Case, name: str, value: str) -> Case:
    return replace(case, headers={**case.headers, name: value})


def without(case: Case, name: str) -> Case:
    return replace(case, headers={n: v for n, v in case.headers.items() if n != name})


VALID = [
    STANDARD,
    replace(STANDARD, secrets=(OLD,)),
    replace(STANDARD, secrets=(FOREIGN, NEW)),
    replace(STANDARD, now=NOW + WITHIN),
    replace(STANDARD, now=NOW - WITHIN),
    ORIGINAL,
    replace(ORIGINAL, secrets=(OLD, NEW)),
]
INVALID = [
    replace(STANDARD, secrets=(FOREIGN,)),
    replace(STANDARD, body=BODY + b" "),
    replace(STANDARD, now=NOW + WITHIN + 1),
    replace(STANDARD, now=NOW - WITHIN - 1),
    tampered(STANDARD, "webhook-id", "another"),
    tampered(STANDARD, "webhook-timestamp", str(NOW + 1)),
    tampered(STANDARD, "webhook-timestamp", "soon"),
    tampered(STANDARD, "webhook-timestamp", "-1"),
    tampered(STANDARD, "webhook-timestamp", "9" * 400),
    tampered(STANDARD, "webhook-signature", "v1,"),
    tampered(STANDARD, "webhook-signature", "v1,ł"),
    without(STANDARD, "webhook-signature"),
    without(STANDARD, "webhook-timestamp"),
    replace(ORIGINAL, secrets=(OLD,)),
    replace(ORIGINAL, path="/hooks"),
    replace(ORIGINAL, host="other.example"),
    replace(ORIGINAL, body=b""),
    replace(ORIGINAL, now=NOW + WITHIN + 1),
    without(ORIGINAL, "x-webhook-signature"),
]
CASES = VALID + INVALID
EXPECTED = [True] * len(VALID) + [False] * len(INVALID)


def cases_file(folder: Path) -> Path:
    file = folder / "cases.json"
    cases = [
        {"secrets": c.secrets, "headers": c.headers, "body": b64encode(c.body).decode(), "now": c.now}
        | ({"host": c.host, "path": c.path} if c.host is not None else {})
        for c in CASES
    ]
    file.write_text(json.dumps(cases))
    return file


def found(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not there: nothing runs this snippet here")
    return path


def run(*command: str, cwd: Path) -> list[bool]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [line == "true" for line in done.stdout.split()]


def in_python(_: Path) -> list[bool]:
    spec = importlib.util.spec_from_file_location("pasted", SNIPPET_FOLDER / "verify.py")
    assert spec
    assert spec.loader
    pasted = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pasted)
    return [
        pasted.verify(c.secrets, c.headers, c.body, c.now)
        if c.host is None
        else pasted.verify_original(c.secrets, c.headers, c.body, c.host, c.path, now=c.now)
        for c in CASES
    ]


def in_node(folder: Path) -> list[bool]:
    snippet, caller = SNIPPET_FOLDER / "verify.mjs", CALLERS / "call.mjs"
    return run(found("node"), str(caller), str(snippet), str(cases_file(folder)), cwd=folder)


def in_go(folder: Path) -> list[bool]:
    go = found("go")
    shutil.copy(SNIPPET_FOLDER / "verify.go", folder)
    shutil.copy(CALLERS / "call.go", folder)
    (folder / "go.mod").write_text("module pasted\n\ngo 1.19\n")
    return run(go, "run", ".", str(cases_file(folder)), cwd=folder)


def in_java(folder: Path) -> list[bool]:
    compiler, java = found("javac"), found("java")
    sources = [str(SNIPPET_FOLDER / "WebhookVerifier.java"), str(CALLERS / "Call.java")]
    assert run(compiler, "-Werror", "-d", str(folder), *sources, cwd=folder) == []
    lines = folder / "cases.txt"
    lines.write_text("".join(f"{java_line(case)}\n" for case in CASES))
    return run(java, "-cp", str(folder), "Call", str(lines), cwd=folder)


def java_line(case: Case) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in case.headers.items())
    parts = ["\n".join(case.secrets).encode(), headers.encode(), case.body, str(case.now).encode()]
    if case.host is not None:
        parts += [case.host.encode(), case.path.encode()]
    return " ".join(b64encode(part).decode() for part in parts)


def in_php(folder: Path) -> list[bool]:
    snippet, caller = SNIPPET_FOLDER / "verify.php", CALLERS / "call.php"
    return run(found("php"), str(caller), str(snippet), str(cases_file(folder)), cwd=folder)


RUNNERS: dict[str, Callable[[Path], list[bool]]] = {
    "Python": in_python,
    "Node.js": in_node,
    "Go": in_go,
    "Java": in_java,
    "PHP": in_php,
}


@pytest.mark.parametrize("language", [snippet.language for snippet in SNIPPETS])
def test_a_snippet_accepts_what_was_signed_and_refuses_all_else(language: str, tmp_path: Path) -> None:
    assert RUNNERS[language](tmp_path) == EXPECTED
