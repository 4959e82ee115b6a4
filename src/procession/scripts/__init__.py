"""Customers' JavaScript: what it is given, what it may take, and the processes it is kept in (docs/design/0015).

`ports.py` is the contract, `pool.py` keeps it with processes of quickjs-ng, `trusted.py` in the caller's own process.
"""
