"""The Kafka client behind one door: reading, writing, offsets, groups, topics. No loyalty rule is here."""
