"""Webhooks over HTTP: what is sent, where it may be sent, the sending itself, and a receiver to try it on.
What an endpoint may count on is in docs/delivering-webhooks.md.

attempt     one attempt of a delivery, and what came of it, whatever that is
courier     one request as its subscription asks: body, signature, authentication
envelope    a delivery's body and headers (pure)
cloud_events  the same as CloudEvents 1.0 (pure)
signing     the headers that prove it is ours; keys: what they are made with
auth        how we show who we are; tokens: OAuth2's
health      what was found of an endpoint, and what follows: breaker, disabling, status (pure)
endpoint    what may begin for one endpoint: claims, concurrency, rate
pending     deliveries on their way, as they stand on disk
outcome     what an answer means for a delivery (pure)
agenda      which endpoint is to be looked at when
dispatch    the requests of one partition, from due to finished
sink        the stage: deliveries in, outcomes out, in transactions
sender      one POST and what came of it; never raises for somebody else's trouble
urls        where it goes, byte for byte as it is stored (pure)
clients     the connections that it goes out by: with a certificate, through a proxy
answer_reader  how answers are read off them: a status outlives what cannot be read
kept        what is kept of an answer: no secret, nothing that acts on a screen (pure)
known_secrets  which secrets an endpoint may give back (pure)
guard       which addresses may be dialled, checked on the very address that is dialled
receiver    counts and shows what arrives; stands in for an endpoint in the demo and in tests
"""
