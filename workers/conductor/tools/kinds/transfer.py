"""`transfer`: the call is handed to a person. Settings: `number`, who the carrier dials."""

import re
from typing import Any, Final

from workers.conductor.tools.rules import Asked, Refused

SETTINGS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"number": {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"}},
    "required": ["number"],
    "additionalProperties": False,
}
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def run(asked: Asked) -> dict[str, Any]:
    """`transfer` is read by the call itself, which then ends with this number to dial."""
    number = str(asked.tool.settings.get("number", ""))
    if not _E164.fullmatch(number):
        raise Refused("nobody can be reached at the moment")
    return {"transfer": number}
