"""The embedded stack: everything CallFunnel needs, on one machine, from Python packages alone."""
