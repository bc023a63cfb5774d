"""A sealed secret is of use to nobody without the key."""

from pathlib import Path

import pytest

from streams.delivery.subscription_options import Sealed
from streams.errors import Misconfigured
from streams.secrets.sealing import SecretSealer, SecretUnreadable, new_key
from streams.settings import Settings, load_settings

OLD, NEW = new_key(), new_key()
GIVEN = "lsk_" + "A" * 43
"""The same in every process, as a test's name must be."""
SECRET = "whsec_päss"


def test_a_sealed_secret_is_opened_with_its_key_and_shows_nothing() -> None:
    safe = SecretSealer([OLD])

    sealed = safe.seal(SECRET)

    assert safe.open(sealed) == SECRET
    assert SECRET not in sealed.text
    assert safe.seal(SECRET) != sealed


def test_after_a_change_of_keys_the_new_one_seals_and_the_old_one_still_opens() -> None:
    before = SecretSealer([OLD]).seal(SECRET)
    safe = SecretSealer([NEW, OLD])

    assert safe.open(before) == SECRET
    assert SecretSealer([NEW]).open(safe.seal(SECRET)) == SECRET


def test_without_its_key_a_secret_stays_shut_and_the_key_is_named() -> None:
    sealed = SecretSealer([OLD]).seal(SECRET)
    key_id = sealed.text.split(".")[1]

    assert not SecretSealer([NEW]).holds(sealed)
    assert SecretSealer([OLD]).holds(sealed)
    with pytest.raises(SecretUnreadable, match=f"'{key_id}', which LOYALTY_SECRET_KEY does not hold"):
        SecretSealer([NEW]).open(sealed)


@pytest.mark.parametrize("place", [-1, -20, 4])
def test_a_sealed_secret_that_was_changed_is_not_opened(place: int) -> None:
    text = SecretSealer([OLD]).seal(SECRET).text
    changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place:][1:]

    with pytest.raises(SecretUnreadable):
        SecretSealer([OLD]).open(Sealed(text=changed))


@pytest.mark.parametrize("text", ["", "s1", "s1.", "nothing.of.ours", "s1.xx.yy"])
def test_a_text_that_was_never_sealed_is_not_opened(text: str) -> None:
    with pytest.raises(SecretUnreadable):
        SecretSealer([OLD]).open(Sealed(text=text))


def test_nothing_is_sealed_without_a_key() -> None:
    assert not SecretSealer().ready
    with pytest.raises(Misconfigured, match=r"LOYALTY_SECRET_KEY is not set.*`loyalty secret-key`"):
        SecretSealer().seal(SECRET)


def test_keys_derived_for_different_purposes_differ_and_stay_the_same() -> None:
    assert SecretSealer([OLD]).derived("tokens") == SecretSealer([OLD]).derived("tokens")
    assert SecretSealer([OLD]).derived("tokens") != SecretSealer([OLD]).derived("sealing")
    assert SecretSealer([NEW, OLD]).derived("tokens")[1:] == SecretSealer([OLD]).derived("tokens")


def test_the_setting_takes_several_keys_and_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_SECRET_KEY", f"{NEW}, {OLD}")
    settings = load_settings()

    assert [key.get_secret_value() for key in settings.secret_key] == [NEW, OLD]
    assert NEW not in repr(settings)
    assert NEW not in ",".join(map(str, settings.secret_key))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LOYALTY_SECRET_KEY", "hunter2"),
        ("LOYALTY_SECRET_KEY", f"{GIVEN},hunter2"),
        ("LOYALTY_PROXY", "https://me:hunter2@proxy:8080"),
        ("LOYALTY_PROXY", "http://me:hunter2@proxy"),
    ],
)
def test_a_secret_setting_that_is_not_valid_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(Misconfigured, match=f"{variable}=… is not valid") as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)
    assert GIVEN not in str(refused.value)


def test_a_proxy_may_have_a_password() -> None:
    proxy = Settings(proxy="http://me:hunter2@proxy:8080").proxy  # type: ignore[arg-type]

    assert proxy
    assert proxy.get_secret_value() == "http://me:hunter2@proxy:8080"
    assert "hunter2" not in repr(proxy)


def test_a_secret_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{GIVEN}\n")
    monkeypatch.delenv("LOYALTY_SECRET_KEY", raising=False)
    monkeypatch.setenv("LOYALTY_SECRET_KEY_FILE", str(file))

    assert [key.get_secret_value() for key in load_settings().secret_key] == [GIVEN]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, r"LOYALTY_SECRET_KEY_FILE='.*key' cannot be read: No such file or directory"),
        (b"\xff\xfe", r"LOYALTY_SECRET_KEY_FILE='.*key' cannot be read: it is not UTF-8 text"),
        (b" \n", r"LOYALTY_SECRET_KEY_FILE='.*key' is empty: it must hold the value of LOYALTY_SECRET_KEY"),
        (b"x" * 70_000, r"LOYALTY_SECRET_KEY_FILE='.*key' is larger than 65,536 bytes"),
        (b"hunter2", r"LOYALTY_SECRET_KEY_FILE=… is not valid"),
    ],
)
def test_a_secret_s_file_that_serves_for_nothing_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    monkeypatch.delenv("LOYALTY_SECRET_KEY", raising=False)
    monkeypatch.setenv("LOYALTY_SECRET_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(Misconfigured, match=told) as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_a_secret_is_given_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOYALTY_SECRET_KEY", GIVEN)
    monkeypatch.setenv("LOYALTY_SECRET_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(Misconfigured, match="LOYALTY_SECRET_KEY and LOYALTY_SECRET_KEY_FILE are both set"):
        load_settings()
