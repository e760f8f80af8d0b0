"""Recordings: the audio of a call, from segments on the bus to one object."""
