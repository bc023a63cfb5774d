"""A switch of the state that stops in its last transaction, before that is committed: to be killed there."""

from collections.abc import Sequence
from dataclasses import replace

from confluent_kafka import TopicPartition

from api.cli.processes import process
from streams.codec.avro import HEADER, encode
from streams.migration.build import StateBuild
from streams.migration.changelog_writer import ANSWER_TIMEOUT, ChangelogWriter
from streams.migration.cutover import find_build, hold_folder, switch, version_number
from streams.projections.state_snapshot import read_stores
from streams.state_version import STATE_KEY, Generation
from streams.topics import GENERATIONS
from tests.kafka.held_worker import say


class Held(ChangelogWriter):
    def settle(self, generation: Generation, offsets: Sequence[TopicPartition], member: object) -> None:
        value, schema = encode(generation)
        self._producer.begin_transaction()
        self._producer.produce(
            self.connection.topic(GENERATIONS), value, STATE_KEY, headers=[(HEADER, schema.encode())]
        )
        self._producer.send_offsets_to_transaction(list(offsets), member, ANSWER_TIMEOUT)
        self._producer.flush(ANSWER_TIMEOUT)
        say("is held")
        input()


def main() -> None:
    with process("replay") as (settings, connection), hold_folder(settings) as folder:
        place = find_build(connection, folder)
        assert place, "it was built"
        publisher = Held(replace(connection, generation=version_number(place)), settings.transaction_timeout)
        renewal = StateBuild(connection, settings, place, publisher, stores=read_stores(connection).get)
        switch(renewal, connection, settings, lambda *_: None, lambda _: None)


if __name__ == "__main__":
    main()
