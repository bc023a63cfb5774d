"""Ways in and out of the pipeline, beside Kafka and REST.

http      webhooks out: the sink
imports   CSV files in
cdnow     a CD shop's purchases of 1997–98, for the demo and the tests
"""
