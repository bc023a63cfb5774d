"""This room has the contract's bodies, fields, lists and revisions: what clients send and get."""
