"""The doors for people and programs: the REST API and the `loyalty` command.

app             the FastAPI application, built from its ports; nothing happens on import
subscriptions   /api/{storeCode}/webhook/…: routes of section "webhooks" of the contract
bodies          what clients send and get, checked by hand where the contract is particular
listing         filters, operators, ordering and paging of every list
targets         which URLs a webhook may be sent to, as far as their text tells
auth            who calls: API keys today
limits          the size of a body
errors          every answer that is not a success, in the contract's words
log             subscriptions written to Kafka and read back
serve           the process: view, appender, server, and how they end
command_line    one module a sub-command
"""
