"""What a search finds: webhooks by names, triggers and fields; guides by title and words. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from api.portal.guides import GUIDES
from streams.webhooks import CATALOGUE
from streams.webhooks.contract import schema_fields
from streams.webhooks.schema import body_formats, data_schema

GUIDE_WORDS = {
    "start": "quick start first webhook subscribe test local laptop curl",
    "formats": "envelope headers messageId requestId eventName storeCode createdAt legacy type cloudevents",
    "verify": "signature hmac sha256 secret rotation standard webhooks whsec whpk ed25519 timestamp "
    "tolerance constant time python node go java php",
    "answer": "status 2xx 200 204 410 gone 429 503 timeout redirect slow",
    "retries": "retry schedule backoff jitter retry-after dead letter breaker disabled paused",
    "order": "duplicate idempotency exactly once sequence ordering messageId",
    "replay": "replay redrive dead letter missing why backfill",
    "addresses": "ip address range firewall allow list network private localhost",
    "fields": "field property glossary index",
    "downloads": "asyncapi openapi postman json schema",
}
"""What a reader may look for, besides the words of title and summary."""
MOST_RESULTS = 30


class SearchEntry(NamedTuple):
    """`words` is what is searched, in lower case."""

    path: str
    title: str
    about: str
    words: str


def search_entries() -> list[SearchEntry]:
    guides = [
        SearchEntry(
            f"guides/{each.slug}",
            each.title,
            each.summary,
            _words(each.title, each.summary, GUIDE_WORDS[each.slug]),
        )
        for each in GUIDES
    ]
    return [*(_event_entry(name) for name in sorted(CATALOGUE)), *guides]


def _event_entry(name: str) -> SearchEntry:
    entry = CATALOGUE[name]
    paths = {f.path for form in body_formats(entry) for f in schema_fields(data_schema(entry, form))}
    words = _words(name, entry.legacy_type, entry.description, *entry.triggers, *sorted(paths))
    return SearchEntry(f"events/{name}", name, entry.description, words)


def _words(*texts: str) -> str:
    return " ".join(texts).lower()


def find_entries(words: str, entries: Sequence[SearchEntry]) -> list[SearchEntry]:
    """The entries that have all of the words, those with the words in their title first."""
    sought = words.lower().split()
    if not sought:
        return []
    found = [entry for entry in entries if all(word in entry.words for word in sought)]
    return sorted(found, key=lambda e: not all(word in e.title.lower() for word in sought))[:MOST_RESULTS]
