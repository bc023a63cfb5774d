"""The stream processing, in the order of the data's way.

domain      commands, facts, a member's state; `decide` and `evolve`: pure
derived     from facts to webhook events: pure
webhooks    the catalogue: one function per webhook makes its body, new and legacy: pure
delivery    who wants an event, the deliveries for them, when to try again: pure
flow        how the pipeline fares, by what was seen of it: pure
stages      what is done with a slice of a partition: loyalty, fan-out (the sink stage is in `connectors`)
tables      entries on disk, their due index, their changelog records
kafka       topics, feed, restore, views, Faust app, local broker: the only folder that knows Kafka and Faust
codec       values to Avro and back; avro: straight from structs
meaning     what a control record must mean beyond its schema; read_back: that what is written can be read
shredding   what is personal in facts, sealed with its owner's key; sealing: secrets of settings
generation  which of the state's generations is the present one
access      who may call the API, and what was changed through it
refusals    rejections and poison, as records
settings    everything that the environment can set
errors      the error tree
"""
