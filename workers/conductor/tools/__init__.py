"""Tools: what an agent can do in the world, each effect once."""
