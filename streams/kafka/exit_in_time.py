"""Ends a process that was told to stop while Kafka does not answer, without waiting for Kafka.

An orderly stop commits, and each client waits for the broker for half a minute and more. Skipping it is safe:
Kafka aborts what was not committed, and the next process handles it again, as after a kill.
"""

import logging
import os
import threading
import time

from confluent_kafka import KafkaException

from streams.kafka.clients import Connection

LOG = logging.getLogger(__name__)
SILENCE_TIMEOUT = 6.0
"""Seconds without an answer after which a cluster is not waited for."""
_ASKED_EVERY = 1.0


def exit_if_silent(connection: Connection) -> None:
    """Watches the cluster from now on, and ends the process once it has not answered for SILENCE_TIMEOUT."""
    threading.Thread(target=_watch, args=(connection,), name="leaving", daemon=True).start()


def _watch(connection: Connection) -> None:
    admin = connection.open_admin()
    while True:
        try:
            admin.list_topics(timeout=SILENCE_TIMEOUT)
        except KafkaException as silence:
            LOG.warning("ends without Kafka, which does not answer: %s", silence.args[0].str())
            logging.shutdown()
            os._exit(0)
        time.sleep(_ASKED_EVERY)
