"""Why an instance on a Temporal cluster does not go on: facts, and what they mean.

`gather` reads, `judge` knows no server. What must not live here: anything that changes an instance.
"""
