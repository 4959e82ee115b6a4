"""Webhooks: what happens is told to addresses of a tenant's choice, at least once, signed (Standard Webhooks).

One process tells for a tenant: the one that holds the row of the follower (`delivering`). What is to be told is stored
before the place in the feed moves on, so that no stop between the two loses anything.
"""
