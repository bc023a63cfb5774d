"""Read models: what other processes follow of the log to answer questions about it."""
