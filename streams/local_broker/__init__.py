"""A real Apache Kafka for those who bring none: one KRaft node, its data kept between runs.

`ensure_broker`   bootstrap servers for a process, whoever runs the broker
`LocalBroker`     the broker as a child process
`detached`        `loyalty broker start|stop|status`: a broker that outlives its starter

    <home>/broker/libs-4.4.0/    Kafka's jars, fetched once by Maven
    <home>/broker/data/          topics; nothing here ever deletes them
    <home>/broker/broker.log     at most four files of 5 MB
    <home>/broker/broker.json    where the detached broker listens
"""

from streams.local_broker.ensure import ensure_broker
from streams.local_broker.local import LocalBroker

__all__ = ["LocalBroker", "ensure_broker"]
