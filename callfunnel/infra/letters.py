"""What a message that no try could help becomes in DEAD: always a letter that the bus takes. Pure.

The message itself may be why it is here: headers that say something to the bus or have names no
client sends, a body as large as a message may be, a subject longer than a command line. Whatever
would keep it out of DEAD is left out of its letter, and its reason says so.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from callfunnel.events.streams import dead_subject

DEAD_PREFIX = "cf-dead-"
LEFT_OUT = f"{DEAD_PREFIX}left-out"
"""What of the message is not in its letter: of headers, body and subject, those words."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_TO_THE_SERVER = ("nats-", "status", DEAD_PREFIX)
_LONGEST_VALUE = 1000
_MOST_HEADERS = 32
_LONGEST_SUBJECT = 1000
"""The bus ends the connection of whoever sends a command line of 4096; an inbox is in it, too."""
_LONGEST_TOKEN = 64
_LONGEST_REASON = 500
_VERSION_LINE = "NATS/1.0\r\n"


class Delivered(NamedTuple):
    """A message as it was delivered: `durable` had it `times` times from `stream`."""

    durable: str
    stream: str
    sequence: int
    times: int
    subject: str
    headers: Mapping[str, str]
    body: bytes


class Letter(NamedTuple):
    """What is put into DEAD."""

    subject: str
    headers: dict[str, str]
    body: bytes


def letter_of(message: Delivered, reason: str, at: str, most_bytes: int) -> Letter:
    """`dead.<durable>.<original subject>`; headers and body stay, `cf-dead-*` are added.

    Headers and body together have `most_bytes` at most. A message of a stream that is buried twice
    by a durable is one letter.
    """
    kept = dict(_kept(message.headers))
    subject = _short(message.subject)
    gone = ["headers"] if len(kept) < sum(not _is_ours(name) for name in message.headers) else []
    gone += ["subject"] if subject != message.subject else []
    headers = kept | {
        f"{DEAD_PREFIX}at": at,
        f"{DEAD_PREFIX}durable": message.durable,
        f"{DEAD_PREFIX}stream": message.stream,
        f"{DEAD_PREFIX}sequence": str(message.sequence),
        f"{DEAD_PREFIX}delivered": str(message.times),
        "Nats-Msg-Id": f"{message.durable}-{message.stream}-{message.sequence}",
    }
    whole = headers | _why(message, reason, gone)
    fits = size_of(whole) + len(message.body) <= most_bytes
    if not fits:
        whole = headers | _why(message, reason, [*gone, "body"])
    return Letter(dead_subject(message.durable, subject), whole, message.body if fits else b"")


def _why(message: Delivered, reason: str, gone: list[str]) -> dict[str, str]:
    said = reason[:_LONGEST_REASON].encode(errors="replace").decode()
    if not gone:
        return {f"{DEAD_PREFIX}reason": said}
    where = f"message {message.sequence} of {message.stream} has it"
    size = f" of {len(message.body):,} bytes" if gone[-1] == "body" else ""
    return {
        f"{DEAD_PREFIX}reason": f"{said} (left out: {', '.join(gone)}{size}; {where})",
        LEFT_OUT: " ".join(gone),
    }


def _kept(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    plain = [name for name in headers if _NAME.fullmatch(name) and not _is_ours(name)]
    for name in plain[:_MOST_HEADERS]:
        if len(headers[name]) <= _LONGEST_VALUE:
            yield name, headers[name]


def _is_ours(name: str) -> bool:
    """Whether it says something to the server, which a letter must not, or to readers of DEAD."""
    return name.lower().startswith(_TO_THE_SERVER)


def _short(subject: str) -> str:
    """Every word of a subject that is too long, cut: still one that its reader may bury."""
    if len(subject) <= _LONGEST_SUBJECT:
        return subject
    return ".".join(word[:_LONGEST_TOKEN] for word in subject.split(".")[:5])


def size_of(headers: Mapping[str, str]) -> int:
    """Bytes of a block of headers as the bus counts them, beside the body's."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return len(f"{_VERSION_LINE}{lines}\r\n".encode())
