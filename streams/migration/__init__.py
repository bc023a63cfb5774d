"""A new version of the state, built from events beside the running one and put in its place."""
