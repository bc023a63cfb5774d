"""Rules that only a real broker can show."""
