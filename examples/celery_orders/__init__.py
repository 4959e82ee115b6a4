"""A shop on Celery: with canvases before, and with processes after."""
