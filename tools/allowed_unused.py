"""Names that nothing in this repository calls, and why each is right all the same.

Read by vulture as ordinary code: a name mentioned here counts as used.
"""
