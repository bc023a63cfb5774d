"""Values to Avro and back. Each record's header names its schema and version."""
