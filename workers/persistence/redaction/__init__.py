"""Redaction: from RAW to CALLS, the only way a fact of a call gets out."""
