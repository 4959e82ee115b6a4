"""Journeys: an instance whose user tasks somebody plays who is no caller: links, sessions, drafts, codes (design 0016).

All of it is kept as documents of the tenant, which the engine writes, seals and audits as its others. What must not
live here: HTTP, how a page looks, and how a message is sent.
"""
