"""`callback`: a person will call the customer back at a day and time."""

from typing import Any, Final

from workers.conductor.tools.rules import Asked

SETTINGS: Final[dict[str, Any]] = {"type": "object", "maxProperties": 0}


def run(asked: Asked) -> dict[str, Any]:
    """What was booked; the row that keeps it is the booking."""
    return {**asked.arguments, "number": asked.caller, "booked": True}
