"""The examples as a Postman collection (format 2.1): send yourself each webhook in each format."""

from datetime import datetime
from typing import Any

from api.portal.catalogue import FORM_TITLES, event_groups, laid_out
from api.services.webhook_examples import ExampleRequest, example_requests
from streams.webhooks import Webhook

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
SIGNATURE_HEADERS = {"webhook-id", "webhook-timestamp", "webhook-signature"}


def postman_collection(at: datetime, *, dotted_names: bool) -> dict[str, Any]:
    """One folder a group, one folder a webhook, one request a format, to the variable `endpoint`."""
    return {
        "info": {
            "name": "Loyalty webhooks",
            "description": (
                "Sends examples to your own endpoint. Set the variable `endpoint`. They are not signed: "
                "a signature is good for five minutes."
            ),
            "schema": SCHEMA,
        },
        "variable": [{"key": "endpoint", "value": "http://localhost:3000/webhooks", "type": "string"}],
        "item": [
            {
                "name": group.title,
                "item": [_folder(entry, at, dotted_names=dotted_names) for entry in group.entries],
            }
            for group in event_groups()
        ],
    }


def _folder(entry: Webhook[Any], at: datetime, *, dotted_names: bool) -> dict[str, Any]:
    requests = example_requests(entry, at, dotted_names=dotted_names)
    return {
        "name": entry.name,
        "description": entry.description,
        "item": [_request(request) for request in requests],
    }


def _request(request: ExampleRequest) -> dict[str, Any]:
    sent = [
        {"key": name, "value": value}
        for name, value in request.headers.items()
        if name not in SIGNATURE_HEADERS
    ]
    return {
        "name": FORM_TITLES[request.form][0],
        "request": {
            "method": "POST",
            "header": sent,
            "url": {"raw": "{{endpoint}}", "host": ["{{endpoint}}"]},
            "body": {"mode": "raw", "raw": laid_out(request), "options": {"raw": {"language": "json"}}},
        },
        "response": [],
    }
