"""Hosts carry out what the core decides. Each lives in its own package and knows no other."""
