"""Structured logs on stderr, one JSON object per line, without personal data.

A record holds a fixed message and the fields named here, nothing else: values go into `extra`
under an allowed name, never into the message. Of an exception its type and place are written, not
its text, for that may quote a caller. In tests a field that is not allowed raises.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

OWN: Final = ("callfunnel", "workers", "gateway")
SAID_BY_US: Final = ("aiofastnet",)
"""Vendors that warn of every write to a peer who has just gone; the end of the call says it."""
FIELDS: Final = frozenset(
    (
        "address",
        "agent",
        "approval",
        "attempt",
        "backlog",
        "batch",
        "bucket",
        "bytes",
        "call",
        "carrier",
        "cause",
        "channel",
        "code",
        "connection",
        "count",
        "delay_ms",
        "delivered",
        "dropped",
        "durable",
        "duration_ms",
        "epoch",
        "error",
        "event",
        "features",
        "field",
        "file",
        "key",
        "kind",
        "lag_ms",
        "limit",
        "line",
        "meter",
        "method",
        "model",
        "path_template",
        "pid",
        "place",
        "port",
        "problem",
        "provider",
        "reason",
        "request",
        "restarts",
        "revision",
        "role",
        "rows",
        "rulebook",
        "schema",
        "seconds",
        "segments",
        "seq",
        "size",
        "slot",
        "slots",
        "state",
        "status",
        "stream",
        "subject",
        "task",
        "tenant",
        "tool",
        "tool_call",
        "turn",
        "version",
        "who",
        "worker",
    )
)
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CALL: ContextVar[str] = ContextVar("log_call", default="")
_REQUEST: ContextVar[str] = ContextVar("log_request", default="")


class UnknownLogField(Exception):
    """A log call names a field that is not on the list: is it free of personal data?"""


@contextmanager
def about(*, call: str = "", request: str = "") -> Iterator[None]:
    """Within the block, every record carries the call's or the request's id."""
    tokens = (_CALL.set(call or _CALL.get()), _REQUEST.set(request or _REQUEST.get()))
    try:
        yield
    finally:
        _CALL.reset(tokens[0])
        _REQUEST.reset(tokens[1])


class AllowList(logging.Filter):
    """Removes what is not allowed from a record; `strict` raises UnknownLogField instead."""

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__()
        self._strict = strict

    def filter(self, record: logging.LogRecord) -> bool:
        own = record.name.split(".")[0] in OWN
        unknown = sorted(set(vars(record)) - _STANDARD - FIELDS)
        if own and self._strict and (unknown or record.args):
            raise UnknownLogField(f"{record.name}: {', '.join(unknown) or 'arguments in the text'}")
        for name in unknown:
            delattr(record, name)
        record.args = None
        return True


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.msg if isinstance(record.msg, str) else type(record.msg).__name__,
        }
        line |= {"call": _CALL.get()} if _CALL.get() else {}
        line |= {"request": _REQUEST.get()} if _REQUEST.get() else {}
        line |= {
            name: value for name, value in vars(record).items() if name in FIELDS - {"process"}
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["place"] = places(record.exc_info[1])
        return msgspec.json.encode(line, enc_hook=str).decode()


def places(error: BaseException) -> list[str]:
    """Where an exception came through, innermost last; no values."""
    return [
        f"{frame.name} ({frame.filename.rpartition('site-packages/')[2]}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]


def write_json_lines(process: str, *, level: int = logging.INFO, to: TextIO | None = None) -> None:
    """Makes the root logger write JSON lines; vendors are heard from WARNING on."""
    handler = logging.StreamHandler(to or sys.stderr)
    handler.addFilter(AllowList())
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    for name in SAID_BY_US:
        logging.getLogger(name).setLevel(logging.ERROR)
