"""Pure types and rules that every process agrees on: no I/O, no clock, no vendor."""
