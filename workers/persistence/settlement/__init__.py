"""Settlement: the record of a call is sealed once everything about it is there."""
