"""The address that carriers and browsers are told."""

import re
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?", re.ASCII)


def is_origin(text: str) -> bool:
    """Whether carriers can be told that address: scheme and host, maybe a port, and nothing else.

    They sign what they were told, so with any other every call would be refused as forged.
    """
    try:
        port = urlsplit(text).port
    except ValueError:
        return False
    return _ORIGIN.fullmatch(text) is not None and port != 0
