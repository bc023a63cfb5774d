"""The API's process: the application built from its ports, the server, and what both work with."""
