"""The doors for people and programs: the REST API and the `loyalty` command.

app             the FastAPI application, built from its ports; nothing happens on import

desk            from a request to a command, and from what became of it to an answer
outcomes        sends a command and waits for its end
members …       one module a resource: members, points, transactions, rewards, custom_events, programme
reading         what a member has, and had: routes; views: their bodies
command_status  what became of a command that was not answered in time

subscriptions   /api/{storeCode}/webhook/…: routes of section "webhooks" of the contract
bodies          what clients send and get of a subscription; options: what is beyond the contract
signing         secrets of subscriptions; example_send: one example, on demand
deliveries      what became of each webhook: routes; delivery_views: their bodies
why             why one did not arrive; why_routes: its route; events_found: the event that is asked about
targets         which URLs a webhook may be sent to, as far as their text tells

fields          what fields of bodies may hold
listing         filters, operators, ordering, paging and scrolling of every list
access          what a caller must be allowed; auth: who calls
limits          the size of a body
errors          every answer that is not a success, in the contract's words
contract        documents for receivers; asyncapi, openapi: of everything, openapi.json as it is committed
log             control topics and commands written to Kafka and read back
serve           the process: views, replica, appender, server, and how they end
command_line    one module a sub-command
"""
