"""Cells: what a Temporal cluster must hold for the engine, said in one file, compared with what is there, and applied.

`cell` is the document, `wanted` what it asks for, `state` what is there, `plan` the difference, `apply` its doing.
"""
