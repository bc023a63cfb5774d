"""The stages: what is done with a slice of one partition's records, whoever feeds them.

A stage reads records, reads and changes tables, and says what to append. It knows neither Kafka nor
Faust: `streams.kafka` feeds it inside transactions, tests feed it from memory.
"""
