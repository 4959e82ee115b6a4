"""The third pass: each element of a scope to its nodes, one file a family, one row a kind."""
