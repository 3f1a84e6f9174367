"""Readers of the tree and the graph: targets, outline, show, diff."""
