"""The Avro schemas of all records, one file for each version, and what keeps them readable.

check              released schemas are unchanged, and all versions of a name read each other
compatibility      Avro's rules of schema resolution, and two stricter ones
example_producer   a command written with nothing of ours but its schema
released.json      the fingerprints of released files
"""
