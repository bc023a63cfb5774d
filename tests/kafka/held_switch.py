"""A switch of the state that stops in its last transaction, before that is committed: to be killed there."""

from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import TopicPartition

from api.cli.processes import process
from streams.codec.avro import HEADER, encode
from streams.migration.build import Renewal
from streams.migration.changelog_writer import ANSWERS_WITHIN, Publisher
from streams.migration.cutover import folder_of, number_of, switch, under_way
from streams.projections.state_snapshot import stores
from streams.state_version import STATE_KEY, Generation
from streams.topics import GENERATIONS
from tests.kafka.held_worker import say


class Held(Publisher):
    def settle(self, generation: Generation, offsets: Sequence[TopicPartition], member: object) -> None:
        value, schema = encode(generation)
        self._producer.begin_transaction()
        self._producer.produce(
            self.connection.topic(GENERATIONS), value, STATE_KEY, headers=[(HEADER, schema.encode())]
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
