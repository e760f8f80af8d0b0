"""The carriers' wire formats: one pure module each, and the registry that names them."""
