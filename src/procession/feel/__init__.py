"""FEEL: lexer, parser, types, compiler and builtins. Pure; the time and the zone are given to it."""
