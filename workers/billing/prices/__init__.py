"""Prices: the versioned price book, and how a quantity becomes an amount."""
