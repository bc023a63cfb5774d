"""How long topics are kept is set within what the pipeline needs; what is not valid is named."""

import pytest
from pydantic import ValidationError

from streams.errors import Misconfigured
from streams.kafka.topic_retention import with_retention
from streams.settings import Settings
from streams.topics import DELIVERIES, EVENTS, TOPICS, WEBHOOK_EVENTS


def test_what_is_not_set_is_kept_as_the_registry_says() -> None:
    assert with_retention(()) == TOPICS


def test_what_is_set_is_kept_so() -> None:
    events, kept, deliveries = with_retention(
        ("webhook-events=30d", "deliveries=14d", "events=forever"), (EVENTS, WEBHOOK_EVENTS, DELIVERIES)
    )

    assert events is EVENTS
    assert kept.config["retention.ms"] == "2592000000"
    assert kept.config["segment.ms"] == "259200000"
    assert deliveries.config["retention.ms"] == "1209600000"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (("delivery=3d",), "delivery=3d is not valid: topics that are kept for a time are attempts, audit,"),
        (("members-changelog=3d",), "members-changelog=3d is not valid: topics that are kept for a time"),
        (("events=90d",), "events=90d is not valid: all state follows from them: they are kept forever"),
        (("attempts=forever",), "attempts=forever is not valid: nothing that may be personal is kept"),
        (("deliveries=15d",), "deliveries=15d is not valid: at most 14d, for which it is known who was"),
        (("webhook-events=6d",), "webhook-events=6d is not valid: webhook-events must outlive deliveries"),
        (("attempts=6d",), "but attempts is kept 6 days, deliveries 7"),
        (("poison=180d",), "poison=180d is not valid: redriven must outlive poison and 7 days more"),
        (("redriven=96d",), "redriven=96d is not valid: redriven must outlive dead-letters and 7 days more"),
    ],
)
def test_what_would_not_fit_is_refused_by_name(said: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        with_retention(said)

    assert str(refused.value).startswith("LOYALTY_RETENTION=")
    assert complaint in str(refused.value)


@pytest.mark.parametrize("text", ["deliveries", "deliveries=3", "deliveries=0d", "Deliveries=3d", "=3d"])
def test_what_is_no_topic_and_days_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must be a topic and its days, such as deliveries=3d"):
        Settings(retention=text)  # type: ignore[arg-type]


def test_a_topic_is_set_once() -> None:
    with pytest.raises(ValidationError, match="each topic may be there once"):
        Settings(retention="attempts=20d,attempts=30d")  # type: ignore[arg-type]
