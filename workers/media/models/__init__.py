"""The models that a call may talk with: one package per provider, behind one protocol."""
