"""The panel in a real browser, over the pipeline as its operator runs it."""
