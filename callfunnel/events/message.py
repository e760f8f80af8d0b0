"""What makes a Struct a message of the bus: its address, its stream, its sender and its handlers.

The decorator `message` registers a class in the catalogue; `subject_of` is the only place where
a subject is built, and it checks every part that comes from outside.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

import msgspec

from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import TenantId, tenant_id, token
from callfunnel.events.streams import Stream

Kind = Literal["event", "command", "request"]
Codec = Literal["json", "msgpack"]
_REMEMBERED: Final = 4096
"""Subjects whose parts were checked lately: a call's facts share a dozen of them."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything on the bus. Unknown fields are ignored when read."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the catalogue.

    The subject is `cf.<tenant>.<family>.<key>.<name>`; a fact that exists before redaction too
    has the family `raw` there (`raw=True`). `reply` is set for request-reply messages only.
    """

    cls: type[Message]
    kind: Kind
    family: str
    name: str
    key: str
    meaning: str
    sender: str
    handlers: tuple[str, ...]
    stream: Stream | None = None
    raw: bool = False
    codec: Codec = "json"
    version: int = 1
    reply: type[msgspec.Struct] | None = None

    @property
    def type_name(self) -> str:
        """The CloudEvents type, e.g. `callfunnel.call.ended.v1`."""
        return f"callfunnel.{self.family}.{self.name}.v{self.version}"


CATALOGUE: Final[dict[type[Message], Definition]] = {}
BY_TYPE: Final[dict[str, Definition]] = {}
_ADDRESSES: Final[set[tuple[str, str]]] = set()
M = TypeVar("M", bound=Message)


def message(**row: Any) -> Callable[[type[M]], type[M]]:
    """Registers the decorated class under the given row of the catalogue (see `Definition`)."""

    def register(cls: type[M]) -> type[M]:
        definition = Definition(cls=cls, **row)
        if definition.type_name in BY_TYPE:
            raise ValueError(f"{definition.type_name} is defined twice")
        CATALOGUE[cls] = BY_TYPE[definition.type_name] = definition
        _ADDRESSES.add((definition.family, definition.name))
        if definition.raw:
            _ADDRESSES.add(("raw", definition.name))
        return cls

    return register


def definition_of(cls: type[Message]) -> Definition:
    """The catalogue's row for a message class. Raises KeyError for a class that is no message."""
    return CATALOGUE[cls]


def subject_of(cls: type[Message], tenant: TenantId, key: str, *, raw: bool = False) -> str:
    """The subject of one message. `tenant` and `key` are checked: InvalidToken if unsafe."""
    return _subject(cls, tenant, key, raw)


@lru_cache(maxsize=_REMEMBERED)
def _subject(cls: type[Message], tenant: TenantId, key: str, raw: bool) -> str:
    row = CATALOGUE[cls]
    if raw and not row.raw:
        raise InvalidToken(f"{row.type_name} has no form before redaction")
    family = "raw" if raw else row.family
    return f"cf.{tenant_id(tenant)}.{family}.{token(key)}.{row.name}"


def filter_of(cls: type[Message], *, raw: bool = False, key: str = "*", tenant: str = "*") -> str:
    """The subject filter that matches every message of a class (or of one tenant or key)."""
    row = CATALOGUE[cls]
    where = tenant if tenant == "*" else tenant_id(tenant)
    which = key if key == "*" else token(key)
    return f"cf.{where}.{'raw' if raw else row.family}.{which}.{row.name}"


def family_filter(family: str, *, tenant: str = "*", key: str = "*") -> str:
    """The subject filter that matches everything in a family (or of one tenant or key)."""
    where = tenant if tenant == "*" else tenant_id(tenant)
    which = key if key == "*" else token(key)
    return f"cf.{where}.{token(family)}.{which}.*"


def template_of(subject: str) -> str:
    """The subject without its ids, for labels and names: `cf.<tenant>.call.<key>.ended`.

    Of a subject that no message of the catalogue has: `other`.
    """
    parts = subject.split(".")
    if len(parts) != 5 or parts[0] != "cf" or (parts[2], parts[4]) not in _ADDRESSES:
        return "other"
    return f"cf.<tenant>.{parts[2]}.<key>.{parts[4]}"


class Address(msgspec.Struct, frozen=True):
    """The parts of a subject of ours."""

    tenant: TenantId
    family: str
    key: str
    name: str


@lru_cache(maxsize=_REMEMBERED)
def parse_subject(subject: str) -> Address:
    """The parts of `cf.<tenant>.<family>.<key>.<name>`. Raises InvalidToken for anything else."""
    parts = subject.split(".")
    if len(parts) != 5 or parts[0] != "cf":
        raise InvalidToken("not a subject of this bus")
    tenant, family, key, name = (token(part) for part in parts[1:])
    return Address(tenant_id(tenant), family, key, name)
