"""`python -m tests.simulated`: many seeds, or one with all its steps; exit code 1 on complaints."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulated.run import Report, run
from tests.simulated.taken_back import MENDINGS, take_back

CHUNK = 20


def main() -> int:
    arguments = _arguments()
    if arguments.seed is not None:
        take_back(arguments.without)
        report = run(arguments.seed, _print)
        _print(str(report))
        return 1 if report.complaints else 0
    return _many(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulated", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed, with its trace")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many seeds")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of them")
    parser.add_argument("--without", choices=MENDINGS, help="a mending that is taken back")
    parser.add_argument("--processes", type=int, default=1, help="how many run at a time")
    return parser.parse_args()


def _many(arguments: argparse.Namespace) -> int:
    first, count = arguments.first, arguments.seeds
    begun, bad = time.monotonic(), 0
    with ProcessPoolExecutor(
        arguments.processes, initializer=take_back, initargs=(arguments.without,)
    ) as pool:
        for number, report in enumerate(pool.map(run, range(first, first + count), chunksize=CHUNK), 1):
            bad += _shown(report)
            if number % 1_000 == 0 or number == count:
                took = time.monotonic() - begun
                _print(f"{number} seeds, {bad} with complaints, {number / took * 3600:,.0f} an hour")
    return 1 if bad else 0


def _shown(report: Report) -> bool:
    if report.complaints:
        _print(str(report))
    return bool(report.complaints)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
