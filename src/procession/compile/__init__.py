"""Documents to programs, in passes: resolve, check, lower, link. Each pass is a pure function."""
