"""Findings about a Dockerfile: the reference's checks, hadolint's rules and our own, on the stages as they are evaluated."""
