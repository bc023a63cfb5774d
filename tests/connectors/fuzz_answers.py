"""`python -m tests.connectors.fuzz_answers --count 1000000 [--first N] [--seed N]`: run by hand, for long.

Prints a line for every 10,000 answers, and at the end what came of all. Exits with 1 where an attempt was not
recorded, a healthy delivery did not arrive, asyncio was left with an error, or the healthy endpoint's p99 was
250 ms or more.
"""

import argparse
import asyncio
import resource
import sys
from collections import Counter

from tests.connectors.fuzzed_sink import fuzz

STEP = 10_000
LONGEST = 0.25


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcomes, waits, seconds, faults = Counter[str](), list[float](), 0.0, list[str]()
    last = given.first + given.count
    for start in range(given.first, last, STEP):
        numbers = range(start, min(start + STEP, last))
        found = asyncio.run(fuzz(numbers, given.seed))
        outcomes += found.outcomes
        waits += found.waits
        seconds += found.seconds
        faults += found.unhandled
        if found.attempts != len(numbers) or found.healthy_delivered != found.healthy_sent:
            faults.append(f"{numbers}: {found.attempts} attempts, {found.healthy_delivered} healthy")
        rate = (numbers.stop - given.first) / seconds
        say(
            f"{numbers.stop} answers, {rate:.0f}/s, p99 of {len(found.waits)} healthy ones "
            f"{found.p99 * 1000:.1f} ms, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
        )
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    say(f"healthy: {len(waits)} delivered, p99 {p99 * 1000:.1f} ms, longest {max(waits) * 1000:.1f} ms")
    say("\n".join(f"{count:9} {outcome}" for outcome, count in outcomes.most_common(40)))
    say("\n".join(faults) or "no faults")
    return 1 if faults or p99 >= LONGEST else 0


if __name__ == "__main__":
    sys.exit(main())
