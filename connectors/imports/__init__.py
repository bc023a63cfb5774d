"""CSV files to commands: members, transactions, transfers, and matches of transactions to members.

table          bytes to numbered lines, whatever the separator (pure)
columns        what a cell may hold; a line's cells to values (pure)
kind           what a kind of file is, and one import of it (pure)
members        one line is an account to open (pure)
transactions   one line is an item of a transaction (pure)
transfers      one line is units given or taken (pure)
matches        one line gives a recorded transaction to a member (pure)
reader         a whole file: its commands, and the lines that are refused (pure)
history        files of the past as one history, in the order of their times (pure)
send           commands to their topics
examples/      a file of each kind, which a test reads and `loyalty import KIND --columns` shows
"""
