"""Ten thousand instances that move to Temporal and back while everything is killed: `python -m bench.storm`."""
