"""The doors for people and programs. Each room imports only rooms above it in this list; a test holds that.

problems    what can be wrong with a request
contract    what clients send and get: fields, bodies, lists, revisions
auth        who calls, what they may do, and what they changed
services    what the doors do, without HTTP
rest        the REST API: one module a resource
panel       the admin panel: pages for people, over the same services
portal      the documentation for receivers of webhooks, served or built as files
process     the API's process: application, server, control topics, read models
cli         the `loyalty` command: one module a sub-command

openapi.json is the description of the REST API as it is committed; `loyalty openapi` makes it.
"""
