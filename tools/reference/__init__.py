"""Pages of docs/reference that are made from the code, one module a page: `python -m tools.reference` writes them.

A page says only what the code says. What needs an explanation is explained in a docstring, or in a page for readers.
"""
