"""`offer`: something is granted to the customer, as its arguments say."""

from typing import Any, Final

from workers.conductor.tools.rules import Asked

SETTINGS: Final[dict[str, Any]] = {"type": "object", "maxProperties": 0}


def run(asked: Asked) -> dict[str, Any]:
    """What was granted; the row that keeps it is the grant."""
    return {**asked.arguments, "granted": True}
