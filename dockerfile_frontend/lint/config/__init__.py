"""Configuration of `dfc lint`: which file holds for a Dockerfile, and what it says."""
