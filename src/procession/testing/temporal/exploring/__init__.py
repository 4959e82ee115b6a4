"""Exploring: all that can happen to an instance that moves, with real code on a small model of a cluster."""
