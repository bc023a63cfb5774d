"""How the whole pipeline fares, by what was seen of it every few seconds: pure.

samples   what was seen: each topic's records, what each stage has still to read, who works on it
figures   what follows: rates, how long a stage is behind, records a minute
verdict   is it well; what is wrong, and what to do about it
"""
