"""Where the model is, from the same two settings that its own SDK reads."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

DEFAULT_BASE: Final = "https://api.openai.com/v1"
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def realtime_url(base_url: str, model: str) -> str:
    """The socket of a session: the base's path and `/realtime`, its query kept, `model` added.

    Raises ValueError for a base that is no http(s) or ws(s) address.
    """
    parts = urlsplit(base_url or DEFAULT_BASE)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError("OPENAI_BASE_URL must look like https://host/v1")
    query = urlencode([*parse_qsl(parts.query), ("model", model)])
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/realtime", query, ""))
