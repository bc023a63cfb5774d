"""From a webhook event to its delivery: who wants it, in which format, and when to try again. Pure.

subscription_options   options of a subscription: state, signing, authentication, filter
records                subscriptions, deliveries, attempts, dead letters, endpoint status
subscription           finds the subscriptions that ask for an event
filter                 evaluates a subscription's filter
fan_out                makes the deliveries of an event
legacy_batches         collects items of legacy arrays in one delivery
retry                  the retry schedule
listeners              developers' machines that fetch webhooks, with a lease
backfill_recipients    the recipients of backfilled events
replay_selection       selects the events of a replay
replay_jobs            replays requested over HTTP: orders and progress
delivery_state         the state of one delivery, from its records
delivery_search        queries of the delivery log and their index keys
subscription_history   all versions of each subscription
explain                explains why a webhook arrived or not
explain_missing        explains why an event has no delivery
"""
