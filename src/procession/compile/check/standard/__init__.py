"""The constraints of BPMN 2.0.2, and nothing else: what `check --standard` applies. It starts in `checker.py`."""
