"""Which vertices must run, in which order, and which are known already.

plan      keys of all vertices, look-ups from the outputs downwards: what is left is work
schedule  runs the work on threads, each vertex once per key, also between processes
keys      how a key is made
records   what is known: results by key, with every input of each key
"""
