"""What must not be kept of what people say: found in written and in spoken form, and replaced."""
