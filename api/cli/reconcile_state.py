"""`loyalty reconcile --state`: counts and lists what is wrong with the running state."""

from typing import TYPE_CHECKING

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.reconcile.state_check import StateCheck

WRONG = 1
LISTED = 20


def check_state(*, json: bool) -> None:
    """Checks the state and prints the result. Exit code 1 if anything is wrong."""
    from api.cli.bars import progress_bar
    from api.cli.processes import process
    from streams.projections.state_snapshot import read_stores
    from streams.reconcile.state_check import check_state

    with process("reconcile") as (settings, connection):
        there = read_stores(connection)
        with progress_bar() as tell:
            found = check_state(connection, there.get, settings.home / "tmp", tell)
    if json:
        say(_json(found))
    else:
        _show(found)
    if not found.sound:
        raise SystemExit(WRONG)


def _show(found: "StateCheck") -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, markup=False)
    for sentence in found.listed[:LISTED]:
        console.print(sentence)
    if len(found.listed) > LISTED:
        console.print(f"and {len(found.listed) - LISTED:,} more; all of up to 1,000: --json")
    for what, count in sorted(found.wrong.items()):
        console.print(f"{count:,} {what}")
    console.print(_summary(found))


def _summary(found: "StateCheck") -> str:
    same, passed = f"{found.comparison.same.total():,}", f"{found.passed_over:,}"
    if found.sound:
        return f"the state is sound: {same} entries are as the facts make them, {passed} changed meanwhile"
    return (
        f"the state is wrong in {found.wrong.total():,} places, {same} entries are as the facts make them, "
        f"{passed} changed meanwhile: `loyalty replay state --build --mend`, then `--switch --mend`, make it "
        "again from the facts"
    )


def _json(found: "StateCheck") -> str:
    import msgspec

    tree = {
        "sound": found.sound,
        "wrong": found.wrong,
        "same": found.comparison.same.total(),
        "changedMeanwhile": found.passed_over,
        "listed": found.listed,
    }
    return msgspec.json.encode(tree).decode()
