"""The demo tenant: what is there after the first start, so that a call can be placed at once."""
