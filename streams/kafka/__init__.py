"""The only folder that knows Kafka and Faust.

Topics      topics: the registry; retention: as it is set; configuration, admin: in the cluster
Clients     clients, cluster; passing: which errors pass; offsets, answers: what is an offset, and what none
            unreadable: batches that cannot be given; groups, describer: who is in consumer groups
            onlooker: where they stand; services, metrics, partitioner, broker (a local one)
Feed        feed: records to a stage and one transaction around it; agents, batch, source, partitions,
            transactions
Restore     restore, standby, progress; lives: whether a disk may be added to
            blame: which record ended the process; identity: its name and folder
Worker      worker: the stages in one process; leaving: how one ends where Kafka does not answer

Followed    view: a small topic in memory; sieve, aside, last_good: records of it that cannot be used
            replica: members' tables; journal, journal_feed, journal_fit: deliveries
            ends, arrivals: when all is here; flow, tails: how the pipeline fares
Read        stretch: a stretch of a topic, in slices; sorting: very many pairs, on disk
            snapshot, lookup, foresight: state; history, published: one member's past
            kept, fates: what became of deliveries
Written     appender: single records; control: control topics, by one writer at a time
            outcomes: what became of commands

Again       redrive, shelves, letterbox: what was put aside; standpoint: how far something has come
            replay, reread, pace; playing, recount: those that were asked for over HTTP
            backfill, deriving, told_already: webhook events of the past
Books       reconcile; state_check: whether the running state is a true one
State       rebuild: made again and compared; generations, renewal, publisher, seat, switch: put in its place
Erasure     erasures: who is erased, and what is left until when
"""
