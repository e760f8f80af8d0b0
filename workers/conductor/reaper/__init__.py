"""Speaks for the vanished: ends the calls and frees the slots whose holder is gone."""
