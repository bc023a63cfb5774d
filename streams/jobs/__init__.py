"""Jobs that send the past again: replay, backfill and redrive.

replay             webhook events read again and appended to `deliveries`; resumes where it stopped
replay_job         one requested replay, run by one process that reports its progress
replay_estimate    how many deliveries a replay would send
event_reader       the webhook events of a replay, and the deliveries that they make
delivery_outcomes  what became of each delivery of a subscription
backfill           derived webhook events appended to `webhook-events`; resumes where it stopped
backfill_derive    the webhook events of a backfill, derived from the facts
existing_events    which webhook events were published already, and for whom
redrive            poison records and dead letters sent again, once each
redrive_sources    where redriven records are read from, and where they go
dead_letters       dead letters and single deliveries of a subscription, for the API
delivery_lookup    one delivery by its messageId
rate_limit         how fast a job appends
"""
