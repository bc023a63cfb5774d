"""The admin panel: pages made here, over the same objects that the REST API works with.

    sessions.py    who is signed in; the token that each form carries
    door.py        what a page asks for: a session, a store, a scope
    pages.py       templates and what all of them know
    app.py         the application of all pages, mounted at /panel
    typed.py       what is typed into forms: times of the store's zone, members
    words.py       what records say, in plain words
    the rest       one module a page, one template each in templates/

Every page works without a script, by links and forms alone; `static/panel.js` and htmx make it livelier.
"""
