"""One thin module per part of the door: read the request, ask, answer."""
