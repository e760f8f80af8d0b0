"""Calls over real sockets: a worker process alone on its core, callers and model on the other."""
