"""The worker: feeds records to stages inside transactions, restores tables, and keeps warm copies."""
