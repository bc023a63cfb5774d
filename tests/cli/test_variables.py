"""A LOYALTY_… variable that there is not: every command refuses it."""

import pytest
from typer.testing import CliRunner

from api.cli import app
from streams.environment import require_known_variables
from streams.errors import Misconfigured
from streams.settings import load_settings

KNOWN = ("LOYALTY_PARTITIONS", "LOYALTY_PROXY", "LOYALTY_HOME", "KAFKA_BOOTSTRAP_SERVERS")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("LOYALTY_PARTITION", "LOYALTY_PARTITION is no setting: did you mean LOYALTY_PARTITIONS?"),
        ("LOYALTY_HOEM", "LOYALTY_HOEM is no setting: did you mean LOYALTY_HOME?"),
        ("loyalty_hom", "loyalty_hom is no setting: did you mean LOYALTY_HOME?"),
        (
            "LOYALTY_BOOTSTRAP_SERVERS",
            "LOYALTY_BOOTSTRAP_SERVERS is no setting: did you mean KAFKA_BOOTSTRAP_SERVERS?",
        ),
        ("LOYALTY_XYZZY", "LOYALTY_XYZZY is no setting: `loyalty settings` lists all that there are"),
    ],
)
def test_an_unknown_variable_is_refused_with_what_may_be_meant(name: str, complaint: str) -> None:
    with pytest.raises(Misconfigured) as told:
        require_known_variables({name: "1", "PATH": "/bin"}, KNOWN)

    assert str(told.value) == complaint


@pytest.mark.parametrize(
    "name", ["LOYALTY_API_SERVICE_HOST", "LOYALTY_API_SERVICE_PORT_HTTP", "LOYALTY_API_PORT_80_TCP_ADDR"]
)
def test_addresses_of_services_that_kubernetes_sets_are_no_mistake(name: str) -> None:
    require_known_variables({name: "10.0.0.1"}, KNOWN)


def test_a_process_with_an_unknown_variable_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_SECRET_KEYS", "lsk_1")

    with pytest.raises(Misconfigured, match="did you mean LOYALTY_SECRET_KEY"):
        load_settings()


@pytest.mark.parametrize("line", ["secret-key", "webhooks list", "store example", "openapi"])
def test_a_command_that_reads_no_setting_refuses_it_too(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_PARTITION", "3")

    answer = CliRunner().invoke(app, line.split())

    assert isinstance(answer.exception, Misconfigured)
    assert answer.output == ""


@pytest.mark.parametrize("line", ["--help", "store put --help", "--version"])
def test_help_is_given_in_any_environment(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_PARTITION", "3")

    assert CliRunner().invoke(app, line.split()).exit_code == 0
