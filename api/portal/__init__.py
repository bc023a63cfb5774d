"""The webhooks' documentation for those who receive them: pages, served at /docs/webhooks or built as files.

Every page is made from the catalogue, the settings and the code that sends: nothing is typed twice. Pages use
the panel's design, need no script and load nothing from elsewhere.

deployment    what the pages say of this deployment, from its settings
highlighting  JSON and code with colours, as HTML
catalogue     the webhooks in groups, and what a page says of one
guides        the pages that are not about one webhook
snippets      code that verifies signatures; the suite runs it
postman       the examples as a Postman collection
site          renders each page, and makes each file
routes        the pages over HTTP
"""
