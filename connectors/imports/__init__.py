"""CSV files to commands: members, transactions, transfers, and matches of transactions to members.

table          bytes to numbered lines, whatever the separator (pure)
columns        what a cell may hold, and a line's cells to values (pure)
members …      one module a kind: its columns, and what its lines ask for (pure)
reader         a whole file: the commands that are ready, and the lines that are refused (pure)
examples       a file of each kind, which a test reads and `loyalty import columns` shows
"""
