"""A switch of the state that stops in its last transaction, before that is committed: to be killed there."""

from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import TopicPartition

from api.command_line.processes import process
from streams.codec import HEADER, encode
from streams.generation import STATE, Generation
from streams.kafka.publisher import ANSWERS_WITHIN, Publisher
from streams.kafka.renewal import Renewal
from streams.kafka.snapshot import stores
from streams.kafka.switch import folder_of, number_of, switch, under_way
from streams.kafka.topics import GENERATIONS
from tests.kafka.held_worker import say


class Held(Publisher):
    def settle(self, generation: Generation, offsets: Sequence[TopicPartition], member: object) -> None:
        value, schema = encode(generation)
        self._producer.begin_transaction()
        self._producer.produce(
            self.connection.topic(GENERATIONS), value, STATE, headers=[(HEADER, schema.encode())]
        )
        self._producer.send_offsets_to_transaction(list(offsets), member, ANSWERS_WITHIN)
        self._producer.flush(ANSWERS_WITHIN)
        say("is held")
        input()


def main() -> None:
    with process("replay") as (settings, connection), folder_of(settings) as folder:
        place = under_way(connection, folder)
        assert place, "it was built"
        publisher = Held(replace(connection, generation=number_of(place)), settings.transaction_timeout)
        renewal = Renewal(connection, settings, place, publisher, stores=stores(connection).get)
        switch(renewal, connection, settings, lambda *_: None, lambda _: None)


if __name__ == "__main__":
    main()
