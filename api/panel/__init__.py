"""The admin panel: pages made here, over the same objects that the REST API works with.

sessions    who is signed in; the token that each form carries
door        what a page asks for: a session, a store, a scope
security    what browsers are told of every answer
pages       templates and what all of them know; failures: the page for whatever goes wrong
app         the application of all pages, mounted at /panel
typed       what is typed into forms: times of the store's zone, members; complaints beside their fields
words       what records say, in plain words; charts: where bars and lines stand

signin, overview, webhook_list, webhook_form, webhook_page, deliveries, delivery, redrive, replay, why,
expiring, members    one module a page, each with its templates

picture     of the overview: the data's way
form        of a webhook's form: texts, and what they mean in the contract
lead_time_form, forecasts    of expiring notifications: what is typed, and who would be told
holdings, happened           of a member: what it has, and what happened to it
sentences, account_sentences, wording    how that is said

Every page works without a script, by links and forms alone; htmx makes it livelier.
"""
