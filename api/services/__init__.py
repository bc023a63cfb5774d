"""What the REST API, the panel and the command line do, without HTTP."""
