"""Stages to a graph of build operations, one file an instruction family."""
