"""Values to Avro and back. A record header names schema and version.

avro         encodes and decodes values; all released schemas
avro_writer  encodes structs with one compiled function for each schema
avro_reader  decodes trees with one compiled function for each schema
decimals     decodes decimals
round_trip   encodes a value only if it decodes to an equal one
"""
