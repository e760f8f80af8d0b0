"""What the supervisor is told about one process: plain data, so that the table can be read."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AnswersUrl:
    """Ready when a GET of `url` answers 200."""

    url: str


@dataclass(frozen=True, slots=True)
class AcceptsLogins:
    """Ready when the Postgres server on `port` asks who is there instead of refusing."""

    port: int


@dataclass(frozen=True, slots=True)
class AnswersHealth:
    """Ready when the NATS server on `port` says so to its system user."""

    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeavesFile:
    """Ready when `file` holds its pid and `/readyz` on the port written there answers 200."""

    file: Path


@dataclass(frozen=True, slots=True)
class Exits:
    """A step, not a server: done when it has exited with 0."""


Readiness = AnswersUrl | AcceptsLogins | AnswersHealth | LeavesFile | Exits


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process: how to start it, when, how to see that it is ready, how to stop it.

    `needs` names the processes that must be ready (or done) before it is started. `service` is
    stopped after everything else. `orphan` is the signal it gets when the supervisor vanishes.
    `leaves_within_s` is how long it may take to end once told to. `listens` is the port that the
    supervisor opens for it and keeps open over its lives. `beside`: its successor may be started
    while it still runs, under another identity (see `fleet`). `spools`: what it accepted for the
    bus lies in a folder of its identity. `stores_in`: the folder of a service that may live and
    store nothing (see `cure`).
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready: Readiness
    log: Path
    needs: tuple[str, ...] = ()
    service: bool = False
    stop: signal.Signals = signal.SIGTERM
    orphan: signal.Signals = signal.SIGKILL
    cwd: Path | None = None
    address: str = ""
    leaves_within_s: float = 10.0
    listens: int = 0
    beside: bool = False
    spools: bool = False
    stores_in: Path | None = None
