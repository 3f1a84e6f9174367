"""Instructions to ops: `table` has a row for each, the big ones have a file of their own."""
