"""The doors for people and programs: the REST API and the `loyalty` command.

app             the FastAPI application, built from its ports; nothing happens on import

desk            from a request to a command, and from what became of it to an answer
outcomes        sends a command and waits for its end; repeats: requests that come again under the same key
members …       one module a resource: members, points, transactions, rewards, custom_events, programme
                profiles: what a member is; lead_times: what a store sets
reading         what a member has, and had: routes; views: their bodies
command_status  what became of a command that was not answered in time

subscriptions   made, changed, ended; webhook_routes: section "webhooks" of the contract
bodies          what clients send and get of a subscription; options: what is beyond the contract
signing         secrets of subscriptions; credentials: how an endpoint is shown who sends
example_send    one example, on demand
standing        how a subscription fares, in a word
deliveries      what became of each webhook: routes; delivery_views: their bodies
why             why one did not arrive; why_routes: its route; events_found: the event that is asked about
replays         the past, delivered again; replay_routes; wishes: what can be had; player: played here
letters         what was given up, sent again; letter_routes
overview        whether it is well; overview_routes
erasure         a member is forgotten
targets         which URLs a webhook may be sent to, as far as their text tells

fields          what fields of bodies may hold; json_body: their JSON, its numbers with all digits
listing         filters, operators, ordering, paging and scrolling of every list
access          what a caller must be allowed; auth: who calls
logins          by name and password; throttle: how often; sign_outs; passwords, callers, admins: who they
                are; rights: what a key may do
audit           what was changed, and by whom
limits          the size of a body, and the time for it; protocol: of a connection; forwarded: who is behind
                a proxy; answer_headers: what browsers are told
errors          every answer that is not a success, in the contract's words; revisions: ETag and If-Match
contract        documents for receivers; description, asyncapi, openapi: of everything
topic_log       control topics: changed by one process at a time, read back; log: commands, audit, followers
running         views, replica, journal, appender: what the process works with; listening: where
serve           the process: a server over these, and how they end
panel           pages for people, over the same objects
command_line    one module a sub-command
"""
