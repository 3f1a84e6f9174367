"""The tree to typed instructions, one frozen dataclass each."""
