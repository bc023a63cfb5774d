"""The webhooks' documentation is there for whoever asks, without a key."""

from html import escape

from streams.webhooks import CATALOGUE
from streams.webhooks.names import LEGACY_TYPES
from tests.api.conftest import Door


def test_the_page_tells_of_every_webhook_without_a_key(door: Door) -> None:
    answer = door.call("GET", "/docs/webhooks", headers={})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for name, entry in CATALOGUE.items():
        assert f'<h2 id="{name}">' in answer.text
        assert all(escape(said) in answer.text for said in (entry.description, *entry.triggers))


def test_the_asyncapi_document_has_every_webhook_without_a_key(door: Door) -> None:
    answer = door.call("GET", "/asyncapi.json", headers={})

    assert answer.status_code == 200
    assert set(answer.json()["channels"]) == set(LEGACY_TYPES)
