"""Ids: what they look like, how they are made, and the check where they enter.

Every id is a prefix and a UUIDv7 in lower-case base32 (26 characters, time-ordered). Tenants are
slugs. All of them are safe inside a bus subject, an object key and a file name.
"""

import re
from typing import Final, NewType

from callfunnel.domain.errors import InvalidToken

TenantId = NewType("TenantId", str)
CallId = NewType("CallId", str)
ApprovalId = NewType("ApprovalId", str)
ToolCallId = NewType("ToolCallId", str)
WorkerId = NewType("WorkerId", str)

PLATFORM: Final = TenantId("_platform")
"""Holder of what belongs to no tenant (service credentials, keys). No caller may name it."""

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ALPHABET: Final = "234567abcdefghijklmnopqrstuvwxyz"  # in ASCII order: ids sort as they were made


def tenant_id(text: str) -> TenantId:
    """The tenant named `text`. Raises InvalidToken unless it is `[a-z0-9][a-z0-9-]{0,39}`."""
    if not _TENANT.fullmatch(text):
        raise InvalidToken("a tenant is 1 to 40 of a-z, 0-9 and '-', and begins with no '-'")
    return TenantId(text)


def call_id(text: str) -> CallId:
    """The call named `text`. Raises InvalidToken unless it is `c_` and 26 base32 characters."""
    return CallId(_prefixed("c", text))


def approval_id(text: str) -> ApprovalId:
    """The approval named `text`. Raises InvalidToken unless it is `apr_` and 26 characters."""
    return ApprovalId(_prefixed("apr", text))


def token(text: str) -> str:
    """`text`, once it is known to be safe as one part of a subject. Raises InvalidToken."""
    if not _TOKEN.fullmatch(text):
        raise InvalidToken("an id is 1 to 64 of A-Z, a-z, 0-9, '_' and '-'")
    return text


def new_id(prefix: str, unix_ms: int, randomness: bytes) -> str:
    """`prefix_` and a UUIDv7 made of `unix_ms` and 10 bytes of `randomness`, in base32."""
    rand = int.from_bytes(randomness[:10], "big")
    value = (unix_ms & (1 << 48) - 1) << 80 | 0x7 << 76 | (rand >> 68 & 0xFFF) << 64
    value |= 0b10 << 62 | (rand & (1 << 62) - 1)
    digits = [_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def _prefixed(prefix: str, text: str) -> str:
    if not re.fullmatch(rf"{prefix}_[a-z2-7]{{26}}", text, re.ASCII):
        raise InvalidToken(f"expected an id of the form {prefix}_ and 26 of a-z and 2-7")
    return text
