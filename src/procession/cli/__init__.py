"""The command line: the composition root for people at a terminal. It knows hosts and services, never the store."""
