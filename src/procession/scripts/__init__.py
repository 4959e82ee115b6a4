"""Customers' JavaScript and TypeScript: how a source becomes what the cage runs, and what its errors say."""
