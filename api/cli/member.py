"""`loyalty member`: one member as the programme knows it now."""

import asyncio
from typing import Annotated, Any

import typer

from api.cli.lines import say

app = typer.Typer(no_args_is_help=True, help="Members: show.")
WHO = "Id, e-mail address, card number or phone number; or email=…, phone=…, loyaltyCardNumber=…."


@app.callback()
def _group() -> None:
    """Makes this a group: typer would otherwise take the only command for the whole."""


@app.command()
def show(
    who: Annotated[str, typer.Argument(help=WHO)],
    store: Annotated[str, typer.Option(help="Code of the store.")] = "DEFAULT",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show a member: who it is, its units by wallet, its tiers. Personal data is printed."""
    import msgspec

    from api.cli.processes import process
    from api.cli.services import problems_as_sentences, reading_folder

    with (
        process("member") as (settings, connection),
        problems_as_sentences(),
        reading_folder(settings, connection) as folder,
    ):
        tree = asyncio.run(_read(connection, settings, folder, store, who))
    if json:
        text = msgspec.json.Encoder(decimal_format="number").encode(tree)
        print(msgspec.json.format(text, indent=2).decode())
    else:
        _print(tree)


async def _read(connection: Any, settings: Any, folder: Any, store: str, who: str) -> dict[str, Any]:
    from datetime import UTC, datetime

    from api.cli.services import open_members
    from api.contract.member_bodies import member_row, tier_rows, wallet_rows

    async with open_members(connection, settings, folder, store) as members:
        found = await members.find(who)
        return {
            **member_row(found.member_id, found.member, found.store),
            "wallets": [*wallet_rows(found.member_id, found.state, found.store)],
            "tiers": [*tier_rows(found.state, found.store, datetime.now(UTC))],
        }


def _print(tree: dict[str, Any]) -> None:
    for name, value in tree.items():
        if name not in ("wallets", "tiers") and value not in (None, "", [], {}):
            say(f"{name:20} {value}")
    for wallet in tree["wallets"]:
        counters = ", ".join(f"{name} {value}" for name, value in wallet["account"].items() if value)
        say(f"wallet {wallet['walletType']['code']}: {counters or 'nothing yet'}")
    for tier in tree["tiers"]:
        now, after = ((tier[part] or {}).get("name") for part in ("currentTier", "nextTier"))
        say(f"tiers {tier['tierSetName']}: {now or 'none yet'}{f', next {after}' if after else ''}")
