"""A real Apache Kafka for those who bring none: one KRaft node, its data kept between runs.

ensure               bootstrap servers for a process, whoever runs the broker
local                the broker as a child process
detached             `loyalty broker start|stop|status`: a broker that outlives its starter
child                starts the broker's process, tied to its parent or not
parent_death_signal  the program that ties it
fencing              declares the broker's former run dead before it starts
storage              the data folder: formatted once, used by one broker at a time
properties           the broker's settings
ports                free ports, and whether the broker behind one is ours
jars                 fetches Kafka's jars by Maven
tools                finds Java and Maven

    <home>/broker/libs-4.4.0/    Kafka's jars, fetched once by Maven
    <home>/broker/data/          topics; nothing here ever deletes them
    <home>/broker/broker.log     at most four files of 5 MB
    <home>/broker/broker.json    where the detached broker listens
"""

from streams.local_broker.ensure import ensure_broker
from streams.local_broker.local import LocalBroker

__all__ = ["LocalBroker", "ensure_broker"]
