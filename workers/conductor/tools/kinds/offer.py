"""`offer`: something is granted to the customer, as its arguments say."""

from typing import Any

from workers.conductor.tools.rules import Asked


def run(asked: Asked) -> dict[str, Any]:
    """What was granted; the row that keeps it is the grant."""
    return {**asked.arguments, "granted": True}
