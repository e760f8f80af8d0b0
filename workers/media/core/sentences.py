"""Sentences of the rule book with values in them: `{percent}` stands for the value of that name."""

import re
from collections.abc import Mapping
from typing import Any, Final

_NAME: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def fill(sentence: str, values: Mapping[str, Any]) -> str:
    """`sentence` with every `{name}` replaced; a value that cannot be spoken leaves nothing."""
    return _NAME.sub(lambda match: spoken(values.get(match[1])), sentence)


def spoken(value: Any) -> str:
    """A value as one would say it: text as it is, numbers without a needless fraction."""
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            return ""
