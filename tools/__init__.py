"""Programs for those who work on the project; run them from its root: `python -m tools.NAME`."""
