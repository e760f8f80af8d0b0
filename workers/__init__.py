"""The workers: each package below is one deployable that stands on the kernel alone."""
