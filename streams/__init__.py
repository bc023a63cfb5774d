"""The stream processing. Each room imports only rooms above it in this list; a test holds that.

errors            the error tree; spelling: what a misspelled name may mean
environment       variables: which are ours, and ports; settings: everything that the environment can set
domain            commands, events, a member's state; `decide` and `evolve`: pure
rejections        refused commands and poison records, as records
webhooks          the catalogue: one function per webhook makes its body, new and legacy: pure
derived           which webhook events follow from an event: pure
delivery          who wants a webhook event, its deliveries, when to try again, why it did not come: pure
state_version     which version of the state is the present one, as a record
access            who may call the API, and what was changed through it, as records
control_records   what a record of a control topic must mean beyond its schema
codec             values to Avro and back
secrets           secrets at rest, and personal data sealed with a key of its member
topics            every topic as one typed value
tables            entries on disk, their due index, their changelog records
pipeline_health   rates, lags and a verdict, from samples of the pipeline: pure
stages            what is done with a batch of one partition's records: identity, loyalty, fan-out
kafka             the Kafka client behind one door: reading, writing, offsets, topics
local_broker      a real broker for those who have none
runtime           the worker: feeds, transactions, restore, standby, Faust app
migration         a new version of the state, built beside the running one and put in its place
reconcile         whether the books balance, and whether the state is true
projections       read models: members' state, the delivery log, command outcomes, the pipeline's figures
jobs              the past again: replay, backfill, redrive
"""
