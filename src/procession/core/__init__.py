"""THE INTERPRETER, sans I/O: `step(program, state, event)` moves the one owned state, gives facts and commands."""
