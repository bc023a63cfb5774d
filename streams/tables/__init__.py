"""State on disk: ordered stores, and over them the tables of one partition with their due index.

Nothing here knows Kafka: a table yields its changelog records, and is told when they are committed.
"""
