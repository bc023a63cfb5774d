"""Subscriptions written to their topic and read back before the caller hears of it."""

from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.kafka.appender import Appender
from streams.kafka.clients import Connection
from streams.kafka.topics import SUBSCRIPTIONS
from streams.kafka.view import View

VISIBLE_WITHIN = 5.0


class TopicLog:
    """The subscriptions topic behind the API's port: what is written is in the index when `write` returns."""

    def __init__(self, appender: Appender, view: View[Subscription]) -> None:
        self._appender = appender
        self._view = view

    async def write(self, subscription_id: str, value: Subscription | None) -> None:
        partition, offset = await self._appender.append(SUBSCRIPTIONS, subscription_id, value)
        await self._view.reached(partition, offset, VISIBLE_WITHIN)


def followed(connection: Connection, index: Subscriptions) -> View[Subscription]:
    """A view, not yet started, that keeps `index` as the topic is."""

    def apply(key: str, value: Subscription | None) -> None:
        if value is None:
            index.drop(key)
        else:
            index.put(value)

    return View(connection, SUBSCRIPTIONS, Subscription, apply)
