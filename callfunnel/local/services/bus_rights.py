"""What each role may do on the bus, as the server enforces it: all of it comes from the catalogue.

A role publishes what the catalogue says it sends, hears the requests it answers and its own
inbox, and reads the streams and keys it works on. Nobody but `supervisor` changes a stream, reads
DEAD, or takes away from what another role reads. Inboxes are apart (`inbox_of`): whoever could
hear another role's inbox would read there whatever that role reads, and whoever could write there
would answer in another's name. Nobody reads by DIRECT.GET: its answer is the stored message, and
the server sends it to whatever subject the asker calls its inbox.
"""

from __future__ import annotations

from typing import Final

import callfunnel.events.catalogue  # noqa: F401 - registers every message
from callfunnel.events.approval import ApprovalClosed
from callfunnel.events.message import CATALOGUE, Definition, filter_of
from callfunnel.events.streams import (
    BUCKETS,
    PINS,
    RULEBOOKS,
    SLOTS,
    STREAMS,
    WORKERS,
    dead_subject,
)
from callfunnel.infra.connection import inbox_of

SUPERVISOR: Final = "supervisor"
Permissions = dict[str, dict[str, list[str]]]

_PARTS: Final = {
    "gateway": ("gateway",),
    "media": ("media",),
    "conductor": ("reaper", "approvals", "tools", "rulebooks"),
    "persistence": ("redaction", "timeline", "recordings", "settlement"),
    "billing": ("metering", "metering-calls"),
}
"""The catalogue's senders and handlers, and the durables, by the role they run as."""
_READS: Final = {
    "gateway": ("CALLS",),
    "media": ("APPROVALS",),
    "conductor": ("RAW", "AUDIO", "USAGE"),
    "persistence": ("RAW", "CALLS", "AUDIO"),
    "billing": ("CALLS", "USAGE"),
}
_PURGES: Final = {"persistence": ("AUDIO",)}
_KEYS_READ: Final = {
    "gateway": (WORKERS, SLOTS, RULEBOOKS, PINS),
    "media": (WORKERS, SLOTS, RULEBOOKS, PINS),
    "conductor": (WORKERS, SLOTS, RULEBOOKS, PINS),
}
_KEYS_WRITTEN: Final = {
    "gateway": (SLOTS, PINS),
    "media": (WORKERS, SLOTS, PINS),
    "conductor": (WORKERS, SLOTS, RULEBOOKS, PINS),
}
_BURIES: Final = ("persistence", "billing")
_CHANGES: Final = (
    *(f"STREAM.{verb}.>" for verb in ("CREATE", "UPDATE", "DELETE", "RESTORE", "SNAPSHOT")),
    *("STREAM.MSG.DELETE.>", "STREAM.LEADER.>", "STREAM.PEER.>"),
    *("CONSUMER.LEADER.>", "CONSUMER.PAUSE.>", "CONSUMER.UNPIN.>"),
    *("META.>", "SERVER.>", "ACCOUNT.>", "DIRECT.>"),
)


def permissions(role: str) -> Permissions | None:
    """The permissions of a role's user; None: it may do everything."""
    if role == SUPERVISOR:
        return None
    api = [f"$JS.API.{verb}" for verb in _CHANGES]
    denied = [*api, *_purges(role), *_unread(role), *_durables_of_others(role)]
    return {
        "publish": {"allow": _published(role), "deny": denied},
        "subscribe": {"allow": _heard(role)},
    }


def _published(role: str) -> list[str]:
    subjects = ["$JS.API.>", "$JS.ACK.>", "$JS.FC.>", *_answered(role)]
    subjects += [f"$KV.{bucket.name}.>" for bucket in _KEYS_WRITTEN.get(role, ())]
    subjects += _buried(role) if role in _BURIES else ()
    return subjects + [each for row in CATALOGUE.values() for each in _sent(role, row)]


def _buried(role: str) -> list[str]:
    """Letters of what it reads: an operator puts them back with every right there is."""
    read = [stream for stream in STREAMS if stream.name in _READS[role]]
    return [dead_subject(subject=each) for stream in read for each in stream.subjects]


def _sent(role: str, row: Definition) -> list[str]:
    """Where a role puts a message: a fact goes to RAW, and redaction puts it on CALLS."""
    mine = not set(_PARTS[role]).isdisjoint(row.sender.split(", "))
    if not row.raw:
        return [filter_of(row.cls)] if mine else []
    raw = [filter_of(row.cls, raw=True)] if mine else []
    return raw + ([filter_of(row.cls)] if "redaction" in _PARTS[role] else [])


def _heard(role: str) -> list[str]:
    live = [filter_of(ApprovalClosed)] if role == "media" else []
    return [f"{inbox_of(role)}.>", *(filter_of(row.cls) for row in _requests(role)), *live]


def _requests(role: str) -> list[Definition]:
    """What a role is asked."""
    requests = [row for row in CATALOGUE.values() if row.kind == "request"]
    return [row for row in requests if not set(_PARTS[role]).isdisjoint(row.handlers)]


def _answered(role: str) -> list[str]:
    """The inboxes of those whose requests a role answers."""
    askers = {part for row in _requests(role) for part in row.sender.split(", ")}
    return [f"{inbox_of(each)}.>" for each in _PARTS if not askers.isdisjoint(_PARTS[each])]


def _purges(role: str) -> list[str]:
    kept = [name for name in _all_streams() if name not in _PURGES.get(role, ())]
    return [f"$JS.API.STREAM.PURGE.{name}" for name in kept]


def _unread(role: str) -> list[str]:
    read = {*_READS[role], *(f"KV_{bucket.name}" for bucket in _KEYS_READ.get(role, ()))}
    denied = []
    for name in _all_streams():
        if name not in read:
            denied += [f"$JS.API.STREAM.MSG.GET.{name}", f"$JS.API.CONSUMER.*.{name}"]
            denied += [f"$JS.API.CONSUMER.*.{name}.>", f"$JS.API.CONSUMER.*.*.{name}.>"]
            denied += [f"$JS.ACK.{name}.>", f"$JS.ACK.*.*.{name}.>"]
    return denied


def _durables_of_others(role: str) -> list[str]:
    """What others read for all of us must not be taken from them, acknowledged or deleted."""
    durables = [part for other, parts in _PARTS.items() if other != role for part in parts]
    denied = []
    for name in durables:
        denied += [f"$JS.API.CONSUMER.*.*.{name}", f"$JS.API.CONSUMER.*.*.{name}.>"]
        denied += [f"$JS.API.CONSUMER.*.*.*.{name}", f"$JS.ACK.*.{name}.>"]
        denied += [f"$JS.ACK.*.*.*.{name}.>"]
    return denied


def _all_streams() -> list[str]:
    return [*(each.name for each in STREAMS), *(f"KV_{each.name}" for each in BUCKETS)]
