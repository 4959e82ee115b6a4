"""Foundations that every room may import: the value domain, diagnostics, failures and keys."""
