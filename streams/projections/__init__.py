"""Read models: other processes follow the log and answer questions from what they keep. No worker is asked.

member_replica         the members' state on disk, kept current from the changelogs
timer_forecast         what members' timers will do, computed ahead over that replica
state_snapshot         the members' state, restored for a command; present settings and subscriptions
member_lookup          one member's state, read from the changelogs
member_events          one member's events, read from their topic
member_webhook_events  one member's webhook events, read from their topic
failure_log            the newest refused commands and poison records
listener_feed          what listeners fetch: new webhook events, and examples made for them
erasures               who is erased, and which topics still hold a member's data until when
command_outcomes       what became of the commands that this process sent
delivery_log           the delivery log on disk, to search and count deliveries
delivery_log_feed      the topics that the delivery log is read from
delivery_log_check     whether the delivery log on disk belongs to the present topics
pipeline_monitor       samples of topics, stages and workers, of the last hour
"""
