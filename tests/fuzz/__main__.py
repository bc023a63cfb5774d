"""`python -m tests.fuzz [--seconds 60] [TARGET …]`: each for so long, led by the code that inputs reach.

What it finds is written beside it, and ends it: run again with the file's name, it shows the failure. Each
target is a process of its own. Needs atheris, which there is for Python up to 3.13.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(".local") / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        return _fuzz(asked.one, asked.seconds)
    names = asked.targets or ["record", "table", "url", "answer", "listing"]
    return max(_apart(name, asked.seconds) for name in names)


def _apart(name: str, seconds: int) -> int:
    command = [sys.executable, "-m", "tests.fuzz", "--one", name, "--seconds", str(seconds)]
    sys.stdout.write(f"{name}: {seconds} s\n")
    sys.stdout.flush()
    return subprocess.run(command, check=False).returncode


def _fuzz(name: str, seconds: int) -> int:
    try:
        import atheris  # type: ignore[import-untyped]  # noqa: PLC0415 - not there for every Python
    except ImportError:
        sys.stderr.write("atheris is not installed: there is none for this Python\n")
        return 2
    with atheris.instrument_imports(include=["api", "connectors", "streams"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - what is imported here is watched
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    bounds = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-rss_limit_mb=2048"]
    found = [f"-artifact_prefix={FOLDER}/{name}-", "-print_final_stats=1"]
    atheris.Setup([name, str(corpus), *found, *bounds], TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
