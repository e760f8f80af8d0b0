"""`customer_lookup`: the customer whose phone number the call comes from.

Settings: `customers`, a list of objects with `phones`, and `otherwise`, told for any other number.
"""

from typing import Any, Final

from workers.conductor.tools.rules import Asked, Refused

SETTINGS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "customers": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"phones": {"type": "array", "items": {"type": "string"}}},
                "required": ["phones"],
            },
        },
        "otherwise": {"type": "object"},
    },
    "additionalProperties": False,
}


def run(asked: Asked) -> dict[str, Any]:
    """Everything known about the customer but the phone numbers."""
    for customer in asked.tool.settings.get("customers", ()):
        if asked.caller in customer.get("phones", ()):
            return {name: value for name, value in customer.items() if name != "phones"}
    otherwise = asked.tool.settings.get("otherwise")
    if otherwise is None:
        raise Refused("no customer has this number")
    return dict(otherwise)
