"""The Kafka client behind one door: reading, writing, offsets, groups, topics. No loyalty rule is here.

cluster             the protocols of consumer, producer and admin client; librdkafka behind them
clients             every client's settings, in one place; which topic has which name in the cluster
connection_problem  why no broker answers: a refused login, an untrusted certificate
transient_errors    which of Kafka's errors pass by themselves, and asking again until they do
partitioner         which partition a key belongs to
records             a client's message as a record

offsets             where partitions begin and end, as their leaders say
consumer_offsets    the same, and where a group stands, as a consumer is told
end_offsets         the ends of partitions, for many who ask at once
read_barrier        waiting until topics have been read up to where they ended
log_reader          reads a range of a topic in bounded batches
unreadable_batches  batches that the client cannot give: found, reported and skipped
record_counts       how many records stand between two offsets
external_sort       very many pairs in order, sorted on disk

compacted_view      a control topic in memory, kept current
control_filter      applies the control records that are valid, sets the others aside
unfit_records       what is wrong with a control record
last_valid          the last valid control records, on this machine's disk
control_writer      writes a control topic by compare-and-set

producer            appends single records from an event loop
transactions        one transaction for all that a batch leaves
checkpoint          how far a reader has come, committed with what it has appended
exit_in_time        ends a process that Kafka does not answer

topic_admin         creates the topics, checks their partitions
acls                the rights that each process needs
topic_config        how topics are configured, and changing it
cluster_inspection  brokers and their version, replicas, the newest record's time
topic_retention     for how long topics are kept
topic_identity      whether a disk's tables belong to the topics of now
group_offsets       where a group stands, seen from outside
group_members       who is in a group, asked in a process of its own
group_describer     that process
"""
