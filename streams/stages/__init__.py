"""The stages: what is done with a batch of one partition's records.

A stage reads records, reads and changes tables, and returns records to append. It knows neither Kafka nor
Faust: `streams.runtime` runs it inside transactions, tests run it in memory.

context                  what a stage gets and returns; the ports Stage and Clock
base                     base classes of stages
commands                 reads and validates commands
command_dedup            remembers command ids; outcomes of commands
loyalty                  the loyalty stage: from commands to facts
decider                  decides commands and timers
outgoing                 sends rejections, and requests to the identity stage
identifier_reservations  claims identifiers, and queues commands until the claim is answered
erasure                  encrypts personal fields, and deletes the key of an erased owner
timer_replanning         adapts timers when a store changes its lead times
owner_timers             an owner's due timers
identity                 the identity stage: which member an identifier belongs to
identifier_holders       compares profiles with the identity stage's table
fan_out                  the fan-out stage: from webhook events to deliveries
state_schema             the version of the rules by which facts become entries
contradictions           applies facts that contradict each other
rebuild                  rebuilds the state from facts
member_replay            recomputes one member's past
backfill_events          derives webhook events of the past
restore_proof            checks a restored partition
"""
