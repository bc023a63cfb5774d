"""Bytes from outside, and what reads them: nothing gets out of a reader but its documented error."""
