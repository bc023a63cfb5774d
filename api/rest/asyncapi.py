"""AsyncAPI 3 of the whole: the webhooks that go out, and every topic with the schemas of its records."""

import json
from datetime import datetime
from importlib.resources import files
from typing import Any

from api.services.webhook_examples import ExampleRequest, example_requests
from streams.codec.avro import HEADER, released_schemas
from streams.topics import COMMANDS, IDENTITY_REQUESTS, TOPICS, Topic
from streams.webhooks import CATALOGUE, contract

AVRO_CONTENT_TYPE = "application/vnd.apache.avro+json;version=1.9.0"
RECEIVED_TOPICS = (COMMANDS, IDENTITY_REQUESTS)
"""Topics that others write to."""
DocumentPart = dict[str, Any]


def asyncapi_document(version: str, at: datetime) -> DocumentPart:
    """The webhooks' document with the topics beside them: `topic.commands` and so on. The webhooks' examples
    are of `at`."""
    whole = contract.asyncapi(version)
    for entry in CATALOGUE.values():
        for request in example_requests(entry, at):
            message = whole["components"]["messages"].get(f"{entry.name}.{request.form}")
            if message is not None:
                message["examples"] = [_example(request)]
    for topic in TOPICS:
        whole["channels"][_name(topic)] = _channel(topic)
        whole["operations"][f"{_action(topic)} {_name(topic)}"] = _operation(topic)
        whole["components"]["messages"] |= {kind: _message(kind) for kind in _kinds(topic)}
    return whole


def _example(request: ExampleRequest) -> DocumentPart:
    return {"name": "example", "headers": request.headers, "payload": json.loads(request.body)}


def _name(topic: Topic) -> str:
    return f"topic.{topic.name}"


def _kinds(topic: Topic) -> list[str]:
    return [kind.__name__ for kind in topic.values]


def _action(topic: Topic) -> str:
    return "receive" if topic in RECEIVED_TOPICS else "send"


def _channel(topic: Topic) -> DocumentPart:
    kept = "its latest record for each key" if topic.compacted else _kept(topic)
    return {
        "address": topic.name,
        "title": f"Topic {topic.name}",
        "description": (
            f"Key: {topic.key}. Written by: {topic.writer}. Kept: {kept}. "
            "LOYALTY_TOPIC_PREFIX comes before its name."
        ),
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in _kinds(topic)},
        "bindings": {"kafka": {"bindingVersion": "0.5.0", "topicConfiguration": _configuration(topic)}},
    }


def _kept(topic: Topic) -> str:
    return "for ever" if topic.retention is None else f"{topic.retention.days} days"


def _configuration(topic: Topic) -> DocumentPart:
    config = topic.config
    kept: DocumentPart = {"cleanup.policy": [config["cleanup.policy"]]}
    if "retention.ms" in config:
        kept["retention.ms"] = int(config["retention.ms"])
    return kept


def _operation(topic: Topic) -> DocumentPart:
    channel = f"#/channels/{_name(topic)}"
    return {
        "action": _action(topic),
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{kind}"} for kind in _kinds(topic)],
    }


def _message(kind: str) -> DocumentPart:
    """The newest version of its schema; the record's header names the one that it was written with."""
    version = max(schema.version for schema in released_schemas().values() if schema.name == kind)
    avro = json.loads((files("schemas") / f"{kind}.v{version}.avsc").read_text())
    return {
        "name": kind,
        "title": f"{kind}, version {version}",
        "contentType": "avro/binary",
        "headers": {
            "type": "object",
            "properties": {HEADER: {"type": "string", "examples": [f"{kind}.v{version}"]}},
            "required": [HEADER],
        },
        "payload": {"schemaFormat": AVRO_CONTENT_TYPE, "schema": avro},
    }
