"""Metering: usage as it is told, its sums, and the bill of each call."""
