"""How one call decides: pure, synchronous, in virtual time. `call.py` is the way in."""
