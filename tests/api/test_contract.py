"""The webhooks' documentation is there for whoever asks, without a key."""

import re

from streams.codec.avro import released_schemas
from streams.topics import TOPICS
from streams.webhooks.names import LEGACY_TYPES
from tests.api.conftest import Door


def test_the_asyncapi_document_has_every_webhook_without_a_key(door: Door) -> None:
    answer = door.call("GET", "/asyncapi.json", headers={})

    assert answer.status_code == 200
    assert set(LEGACY_TYPES) <= set(answer.json()["channels"])


def test_every_topic_is_a_channel_whose_messages_have_the_newest_schemas(door: Door) -> None:
    document = door.get("/asyncapi.json")

    for topic in TOPICS:
        channel = document["channels"][f"topic.{topic.name}"]
        assert set(channel["messages"]) == {kind.__name__ for kind in topic.values}
    for schema in released_schemas().values():
        if schema.reader is None:
            message = document["components"]["messages"][schema.name]
            assert message["payload"]["schema"]["name"] == schema.name
            assert message["title"] == f"{schema.name}, version {schema.version}"
    actions = {operation["action"] for operation in document["operations"].values()}
    assert actions == {"send", "receive"}


def test_the_reference_is_made_of_our_own_files_alone(door: Door) -> None:
    page = door.call("GET", "/docs", headers={})
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.status_code == 200
    assert "<style" not in page.text
    assert all(each.startswith("/") for each in named)
    assert {door.call("GET", each, headers={}).status_code for each in named} == {200}
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
