"""Twilio's request signature: how it is made, and whether one is right.

base64(HMAC-SHA1(auth token, URL + every POST field as name and value, sorted by name)). The URL is
the configured public one, never what a proxy's headers claim. Of a repeated field each different
value counts once, sorted: Twilio's own validator does the same.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

Fields = Mapping[str, Sequence[str]]

SECRET_PATH = "carriers/twilio"  # noqa: S105 - where a tenant's account lies, not the secret
"""In a tenant's secrets: `account_sid`, and the `auth_token` that signs."""
_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


def signature(auth_token: str, url: str, fields: Fields | None = None) -> str:
    """The `X-Twilio-Signature` of a webhook (`fields`) or of a media socket's upgrade (none)."""
    signed = [url]
    for name in sorted(fields or {}):
        for value in sorted(set((fields or {})[name])):
            signed += (name, value)
    digest = hmac.new(auth_token.encode(), "".join(signed).encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def is_signed(auth_token: str, url: str, given: str, fields: Fields | None = None) -> bool:
    """Whether `given` signs the URL, with or without its port; takes the same time either way."""
    offered = given.encode(errors="replace")  # a header may hold bytes that are no text
    right = [
        hmac.compare_digest(signature(auth_token, form, fields).encode(), offered)
        for form in _forms(url)
    ]
    return bool(auth_token) and any(right)


def media_url(public_url: str, path: str) -> str:
    """The socket's address as the carrier is told it and signs it: ws(s) instead of http(s)."""
    return f"ws{public_url.removeprefix('http').rstrip('/')}{path}"


def _forms(url: str) -> Iterator[str]:
    """Twilio signs the URL with its port in some products and without it in others."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return  # no carrier was ever given such an address
    host = parts.netloc.rpartition("@")[2]
    bare = host.removesuffix(f":{parts.port}") if parts.port else host
    yield urlunsplit(parts._replace(netloc=bare))
    if port:
        yield urlunsplit(parts._replace(netloc=f"{bare}:{port}"))
