"""Names are the field's: no private words, no bare participles or pronouns.

A class is a noun. A function is a verb with its object, or a noun for its value. A predicate begins with
`is_` or `has_`. One thing has one word, the one that the field uses.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import modules, tree

PRIVATE_WORDS = {
    "agenda": "wakeup_queue",
    "appender": "producer",
    "arrivals": "read_barrier",
    "blame": "poison_suspects",
    "book": "committed_state",
    "books": "reconciliation",
    "box": "dead_letter_store",
    "buried": "dead_lettered",
    "bury": "dead_letter",
    "courier": "attempt_sender",
    "desk": "command_service",
    "door": "session_guard",
    "fates": "delivery_outcomes",
    "foresight": "timer_forecast",
    "happened": "activity_timeline",
    "hopeless": "undeliverable",
    "journal": "delivery_log",
    "kept": "delivery_lookup",
    "leash": "parent_death_signal",
    "letterbox": "dead_letters",
    "occasions": "campaign_triggers",
    "outside": "sink_ports",
    "pace": "rate_limit",
    "playing": "replay_job",
    "programme": "store_settings",
    "recount": "estimate",
    "renewal": "build",
    "reread": "event_reader",
    "seat": "group_takeover",
    "shelves": "redrive_sources",
    "standpoint": "checkpoint",
    "stretch": "log_reader",
    "tails": "record_counts",
    "told": "existing_events, send, notify, report: whatever is done",
    "turn": "stage_context",
    "wish": "replay_request",
    "wishes": "replay_requests",
}
"""What was said here, and what is said today."""

SAYS_NOTHING = {
    "all",
    "also",
    "and",
    "any",
    "as",
    "back",
    "before",
    "behind",
    "bound",
    "brought",
    "built",
    "by",
    "came",
    "chosen",
    "come",
    "coming",
    "done",
    "drawn",
    "each",
    "either",
    "else",
    "few",
    "for",
    "found",
    "from",
    "given",
    "gone",
    "got",
    "had",
    "has",
    "have",
    "heard",
    "held",
    "here",
    "how",
    "in",
    "into",
    "is",
    "it",
    "kept",
    "known",
    "left",
    "lost",
    "made",
    "many",
    "more",
    "most",
    "much",
    "next",
    "no",
    "none",
    "nothing",
    "now",
    "of",
    "on",
    "one",
    "only",
    "other",
    "others",
    "out",
    "over",
    "own",
    "paid",
    "same",
    "seen",
    "sent",
    "set",
    "shown",
    "since",
    "so",
    "some",
    "such",
    "taken",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "to",
    "together",
    "told",
    "under",
    "until",
    "up",
    "was",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whole",
    "whose",
    "why",
    "with",
    "within",
    "without",
    "written",
}
"""A participle, a pronoun or a preposition is no name of a function or a class."""
NO_PARTICIPLES = {"embed", "feed", "need", "seed", "speed"}
FIELD_S = {"Rejected", "Misconfigured", "Fenced"}
"""Errors that are called so wherever they happen."""


def words(name: str) -> list[str]:
    """`_AttemptSender` and `attempt_sender` are both ["attempt", "sender"]."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return [part.lower() for part in parts]


def named(module: str) -> Iterator[str]:
    """Its own name, and those of its classes and functions, however deep."""
    yield module.rpartition(".")[2]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not dunder(node.name):
            yield node.name


def dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def is_participle(word: str) -> bool:
    return word.endswith("ed") and word not in NO_PARTICIPLES


def fault(name: str) -> str | None:
    parts = words(name)
    if name in FIELD_S:
        return None
    if len(parts) == 1 and (parts[0] in SAYS_NOTHING or is_participle(parts[0])):
        return f"{name} says nothing: a verb and its object, or a noun"
    for part in parts:
        if part in PRIVATE_WORDS:
            return f"{name} has the private word {part}: {PRIVATE_WORDS[part]}"
    return None


DEBT = set(Path(__file__).with_name("names_debt.txt").read_text().split())
"""Names from before there was this test. The list may only shrink."""


def faults() -> dict[str, str]:
    """By name, what is wrong with it."""
    return {name: found for module in modules() for name in named(module) if (found := fault(name))}


def test_a_new_name_is_the_field_s() -> None:
    assert {name: found for name, found in faults().items() if name not in DEBT} == {}


def test_the_debt_names_only_what_is_there() -> None:
    assert DEBT - faults().keys() == set()


@pytest.mark.parametrize("name", ["_told", "Asked", "_of", "stored", "Blame", "turn_of", "on_leash"])
def test_a_name_that_says_nothing_is_found(name: str) -> None:
    assert fault(name)


@pytest.mark.parametrize("name", ["AttemptSender", "send_attempt", "is_due", "feed", "Rejected"])
def test_a_name_of_the_field_passes(name: str) -> None:
    assert fault(name) is None
