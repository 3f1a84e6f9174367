"""What each op means: one file an op, and `table` with a row for each.

identity  what of the op counts in a cache key
reads     inputs whose content may stand in for their definition
run       results of the inputs in, results of the op out
"""
