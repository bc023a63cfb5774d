"""The only folder that knows Kafka and Faust."""
