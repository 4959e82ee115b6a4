"""The server: REST, webhooks, streams. It knows use cases and a `Backend`, never a host."""
