"""`python -m tests.stages.fuzz_records [--count 1000000] [--stage all] [--seed N]`: by hand, for long.

Prints a line for every 10,000 records, and at the end what came of all. Exits with 1 where anything was
raised, nothing came of a record that should have led to something, or a record took more than 50 ms and a
microsecond a byte of the processor's time.
"""

import argparse
import resource
import sys
import time

from tests.stages.fuzzed_stages import Tally, fuzz
from tests.stages.hostile_records import SOURCES

STEP = 10_000


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(stage: str, numbers: range, seed: int, minutes: float) -> bool:
    """Whether all is well."""
    tally, until = Tally(), time.monotonic() + 60 * minutes
    begun = time.process_time()
    for number in fuzz(stage, numbers, seed, tally):
        if time.monotonic() > until:
            break
        if (number + 1) % STEP == 0:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            say(f"{stage}: {number + 1} records, {len(tally.faults)} faults, {memory} MB")
    spent, size, told = tally.slowest
    say("\n".join(f"{count:9} {outcome}" for outcome, count in tally.outcomes.most_common()))
    played, cpu = tally.outcomes.total(), time.process_time() - begun
    rate = f"{played / cpu:.0f} for a second of CPU"
    say(f"{stage}: {played} records from {numbers.start} on, {rate}, seed {seed}")
    bound = f"{tally.over:.0%} of its bound at most"
    say(f"slowest: {spent * 1000:.1f} ms of CPU, {size:,} bytes, {told}; {bound}")
    say("\n".join(tally.faults[:20]) or "no faults")
    return not tally.faults and tally.over < 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="the first one's number, a multiple of 500")
    parser.add_argument("--stage", choices=[*SOURCES, "all"], default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=600.0, help="for each stage, at most")
    given = parser.parse_args()
    stages = list(SOURCES) if given.stage == "all" else [given.stage]
    numbers = range(given.first, given.first + given.count)
    well = [run(stage, numbers, given.seed, given.minutes) for stage in stages]
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
