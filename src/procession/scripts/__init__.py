"""Customers' JavaScript (docs/design/0015): what is made of a source, and the processes that it is kept in.

A source becomes the body of a function (`modules.py`) without its types (`typescript.py`), and with the modules that
it needs a bundle (`library.py`), which is one text (`code.py`). `ports.py` is the contract of what runs it: `pool.py`,
in processes of quickjs-ng; `trusted.py`, in the caller's own. `trace.py` tells an error in the customer's own files.

What must not live here: who may run what, and where results go.
"""
