"""Counted work for tests: what `bench` counts. A gate on it may be tight; times never gate."""

from bench.opcodes import opcodes

__all__ = ("opcodes",)
