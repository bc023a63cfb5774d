"""`loyalty secret-key` and `loyalty api-key`: the value is alone on standard output."""

import re

from typer.testing import CliRunner

from api.auth.authentication import hash_token
from api.cli import app
from streams.settings import Settings


def test_a_secret_key_is_all_of_standard_output_and_a_valid_setting() -> None:
    answer = CliRunner().invoke(app, ["secret-key"])

    (key,) = answer.stdout.splitlines()
    assert Settings(secret_key=key).secret_key[0].get_secret_value() == key  # type: ignore[arg-type]
    assert "export LOYALTY_SECRET_KEY=$(loyalty secret-key)" in answer.stderr
    assert key not in answer.stderr


def test_an_api_key_is_all_of_standard_output_and_its_hash_is_said_beside_it() -> None:
    answer = CliRunner().invoke(app, ["api-key"])

    (key,) = answer.stdout.splitlines()
    said = re.search(r"LOYALTY_API_KEY_HASHES=([0-9a-f]{64})\n", answer.stderr)
    assert said is not None
    assert said[1] == hash_token(key)
    assert "X-AUTH-TOKEN" in answer.stderr
    assert key not in answer.stderr
