"""Who is asking, and may they: tokens, principals, permissions. No network of its own."""
