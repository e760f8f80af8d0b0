"""Approvals: what an agent may do only when a person agrees."""
