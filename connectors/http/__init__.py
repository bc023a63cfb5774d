"""Webhooks over HTTP: the sink, its parts, and a receiver to try it on. docs/delivering-webhooks.md says what
an endpoint can rely on.

sink            the stage: takes deliveries, settles results, in transactions
pending         deliveries on disk, one lane for each subscription and member
dispatch        starts the requests of one partition
wakeup_queue    when an endpoint must be checked
endpoint        one endpoint in memory: claims, concurrency, rate
endpoint_health breaker, disabling and status of an endpoint (pure)
endpoint_metrics what of them is told to Prometheus
attempt         makes one attempt and always returns its result
attempt_sender  sends one attempt as its subscription asks
envelope        a request's body and headers (pure)
cloud_events    the same as CloudEvents 1.0 (pure)
signing         signature headers (pure)
signing_keys    the keys that sign
endpoint_auth   a subscription's credentials
tokens          OAuth 2 access tokens
sender          sends one POST; never raises for an endpoint's fault
urls            URLs, sent byte for byte as stored (pure)
address_guard   which addresses may be dialled
connections     HTTP clients: shared, with a certificate, through a proxy
answer_reader   reads answers; keeps a status even if the rest cannot be parsed
retry_policy    what an answer means for its delivery (pure)
excerpts        masks secrets in what is kept of answers (pure)
known_secrets   the secrets that an endpoint may return (pure)
request_preview a request as it is sent, with secrets hidden (pure)
signature_check verifies a signature, as a receiver does (pure)
receiver        a webhook receiver for the demo and for tests
app             wires the sink's process
"""
