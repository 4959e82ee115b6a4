"""The speed of FEEL and of decision tables: `python -m bench.feel`."""
