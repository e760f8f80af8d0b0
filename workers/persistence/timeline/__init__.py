"""Timeline: what happened in each call, in order, and one row a call that sums it up."""
