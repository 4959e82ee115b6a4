"""What an instance on Temporal costs beside a workflow that is written by hand: see `__main__.py`."""
