"""Commands for a cluster's administrator, and the page that lists the rights."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from streams.errors import Misconfigured
from streams.kafka.acls import ROLES, acls
from streams.kafka.clients import Connection
from streams.topics import TOPICS

PAGE = Path(__file__).parents[2] / "docs" / "kafka-security.md"


def printed(*words: str, **variables: str) -> list[str]:
    done = CliRunner().invoke(app, ["topics", *words], env=variables, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output.splitlines()


def rights_table() -> str:
    """Role by role, each resource with what may be done to it."""
    lines = ["| role | resource | operations |", "|---|---|---|"]
    for role in ROLES:
        for acl in acls(Connection("", "loyalty."), role):
            name = f"{acl.name}{'*' if acl.prefixed else ''}"
            lines.append(f"| {role} | {acl.kind} `{name}` | {', '.join(acl.operations)} |")
    return "\n".join(lines)


def test_every_topic_is_made_as_the_settings_say() -> None:
    lines = printed("print", LOYALTY_TOPIC_PREFIX="shop.", LOYALTY_REPLICATION="3", LOYALTY_PARTITIONS="12")

    assert len(lines) == len(TOPICS)
    commands = next(line for line in lines if "--topic shop.commands " in line)
    assert "--create --if-not-exists" in commands
    assert "--partitions 12 --replication-factor 3 " in commands
    assert "--config min.insync.replicas=2" in commands
    assert "--config retention.ms=604800000" in commands
    assert any("--topic shop.subscriptions --partitions 1 " in line for line in lines)


def test_rights_are_granted_to_whom_one_says() -> None:
    lines = printed("acls", "sink", "--principal", "User:CN={role},O=Shop", LOYALTY_TOPIC_PREFIX="shop.")

    assert lines[0] == "# sink"
    assert all("--add --allow-principal User:CN=sink,O=Shop " in line for line in lines[1:])
    assert any(
        line.endswith("--operation Read --topic shop.deliveries --resource-pattern-type literal")
        for line in lines
    )
    assert any("--transactional-id shop.sink- --resource-pattern-type prefixed" in line for line in lines)
    assert not any("shop.commands" in line for line in lines)


def test_without_a_role_all_are_printed() -> None:
    assert [line for line in printed("acls") if line.startswith("#")] == [f"# {role}" for role in ROLES]


def test_an_unknown_role_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Misconfigured, match="'wroker' is no role: worker, sink, api, producer, operator are"):
        CliRunner().invoke(app, ["topics", "acls", "wroker"], catch_exceptions=False)


def test_the_page_lists_the_rights_that_are_granted() -> None:
    page = PAGE.read_text()
    between = page.split("<!-- rights -->")[1].split("<!-- end of rights -->")[0].strip()

    assert between == rights_table()
