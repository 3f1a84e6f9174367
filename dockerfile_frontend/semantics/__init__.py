"""Typed instructions to stages with their arguments, platforms and contexts resolved."""
