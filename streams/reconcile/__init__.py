"""Whether every webhook came to an end, and whether the running state is what the facts say.

reconciliation  published = delivered + filtered + pending + dead, from sorted marks: pure
from_topics     reads a deployment's topics and makes these marks
state_check     the running state beside the facts, its own sums, and identifiers' holders
"""
