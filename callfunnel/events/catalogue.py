"""The whole catalogue: importing this module registers every message."""

from callfunnel.events import approval, audio, call, requests, settled, usage
from callfunnel.events.message import CATALOGUE, Definition

FAMILIES = (call, settled, usage, audio, approval, requests)


def definitions() -> list[Definition]:
    """Every message, ordered as a reader meets them: by family, in order of definition."""
    return list(CATALOGUE.values())
