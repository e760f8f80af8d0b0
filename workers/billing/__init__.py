"""Billing: what was used and what it costs."""
