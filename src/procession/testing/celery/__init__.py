"""Scenarios on Celery: over a real broker, on the driver's clock (`kit.py`)."""
