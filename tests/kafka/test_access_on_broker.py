"""Admins, their keys and the audit, with two API processes on a real broker."""

import subprocess
import time
from contextlib import ExitStack

import httpx

from streams.local_broker.ports import any_free
from streams.secrets.sealing import new_key
from streams.settings import Settings
from tests.kafka.processes import LOYALTY, environment, running

WITHIN = 10.0
PASSWORD = "correct horse battery"


def loyalty(settings: Settings, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """A command as an operator gives it, with `typed` on its standard input."""
    return subprocess.run(
        [LOYALTY, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(settings),
    )


def test_an_admin_made_by_a_command_gives_keys_that_every_process_takes_and_refuses_alike(
    settings: Settings,
) -> None:
    made = loyalty(settings, "admin", "create", "anna", typed=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    admin = made.stdout.split()[-1]
    again = loyalty(settings, "admin", "create", "anna", typed=f"{PASSWORD}\n")
    assert (again.returncode, "Traceback" in again.stderr) == (2, False)
    secret_key = new_key()

    with ExitStack() as stack:
        one, other = (
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN)
            for port in (any_free(), any_free())
        )
        for client in (stack.enter_context(one), stack.enter_context(other)):
            stack.enter_context(
                running(
                    settings,
                    "api",
                    LOYALTY_SECRET_KEY=secret_key,
                    LOYALTY_API_PORT=str(client.base_url.port),
                )
            )
        keys = f"/api/admin/{admin}/api-key"
        login = one.post("/api/admin/login_check", json={"username": "anna", "password": PASSWORD}).json()
        # The other process reads the token: both derive its key from the same one.
        bearer = {"Authorization": f"Bearer {login['token']}"}
        key = other.post(keys, json={"apiKey": {"name": "till"}}, headers=bearer).json()
        listed = one.get(keys, headers=bearer).json()["items"]
        assert [each["apiKeyId"] for each in listed] == [key["apiKeyId"]]
        token = {"X-AUTH-TOKEN": key["token"]}
        path = "/api/DEFAULT/webhook/event"
        assert (one.get(path, headers=token).status_code, other.get(path, headers=token).status_code) == (
            200,
        ) * 2

        assert one.delete(f"{keys}/{key['apiKeyId']}", headers=bearer).status_code == 204
        assert one.get(path, headers=token).status_code == 401
        until = time.monotonic() + WITHIN
        while other.get(path, headers=token).status_code != 401:
            assert time.monotonic() < until, "the other process still takes a revoked key"

    lines = loyalty(settings, "audit", "list").stdout.splitlines()
    assert [line.split("  ", 1)[1].split(" by ")[0] for line in lines] == [
        f"admin {admin} created",
        f"API key {key['apiKeyId']} created",
        f"API key {key['apiKeyId']} deleted",
    ]
    assert lines[1].endswith("by anna from 127.0.0.1")
    assert key["token"] not in "".join(lines)
