"""The compiled form of a process: flat immutable tables that the interpreter reads, addressed by their hash."""
