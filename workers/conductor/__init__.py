"""The conductor: the brain between calls."""
