"""The worker: partitions in, a stage's work in one transaction, tables restored before they are used.

worker            the three stages in one process, each with its feed
app               the Faust app: agents on channels of batches
services          Faust services that log nothing by themselves
feed              the loop: poll, hand a batch to the stage, commit
feed_source       who a process is to Kafka, and the consumer that it reads through
batch             what passes through a Faust channel
partitions        the partitions that this process owns
restore           brings tables up to the end of their changelogs
restore_progress  shows long restores: a bar, a line, a gauge
standby           warm copies of the partitions that others own
poison_suspects   which record ended this process, and how often
instance          a process's name and folder, kept over restarts
state_versions    which version of the state is the present one
metrics           what a process tells Prometheus
samples           what of it is looked up now and then
probes            whether a process lives, has started and can work
monitoring        metrics and probes over HTTP
"""
