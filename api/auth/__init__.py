"""This room authenticates callers, limits what they may do, and records what they changed."""
