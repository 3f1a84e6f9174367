"""Dockerfile bytes to a tree: directives, logical lines, heredocs, spans."""
