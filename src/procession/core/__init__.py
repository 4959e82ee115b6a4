"""THE INTERPRETER, sans I/O: `step(program, state, event)` moves the one owned state on and gives facts and commands."""
