"""The command line: the composition root. It parses arguments, calls a use case, prints; it decides nothing."""
