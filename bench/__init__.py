"""Measured figures of the whole product. Run from the project's root: `./cf bench`."""
