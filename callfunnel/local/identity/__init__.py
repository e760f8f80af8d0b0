"""The local identity provider: whom it knows, and what it grants them."""
