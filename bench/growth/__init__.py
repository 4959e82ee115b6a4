"""How cost grows with what is in the file, with the items of a loop, with what waits: `python -m bench.growth`."""
