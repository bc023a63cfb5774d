"""Whether the books balance, and whether the running state is a true one."""
