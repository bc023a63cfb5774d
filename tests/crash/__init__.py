"""Exactly once, shown by killing: real processes, seeded blows, and the pure model's word on the result."""
