"""W1 and W3 on Celery beside chains written by hand: `python -m bench.celery`."""
