"""The Avro schemas of all records, one file a version, and what keeps them readable."""
