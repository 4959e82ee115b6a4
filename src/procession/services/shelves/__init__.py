"""Shelves: what keeps the bytes of documents. `shelf` is the contract, `opening` chooses by an address."""
