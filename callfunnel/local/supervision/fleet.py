"""Who runs and who follows whom: places, each with one process in office and others that leave.

A place is a row of the table (media-1). Its first process has the place's own name; a successor
that starts beside it needs another one, because name, spool and lease belong to one process at a
time: media-1, media-1-b, media-1-c, whichever is free. Decisions only: processes are started and
told by the supervisor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from string import ascii_lowercase

from callfunnel.local.supervision.process import Exits, Process
from callfunnel.local.supervision.watch import Left, Serving, Watch

Tell = Callable[[Process, int], None]
"""Asks a process to end: its row and its pid."""
Beside = Callable[[Process, str], Process]
"""The same row under another identity."""
_NO_PLACE = ""
_IDENTITY = "CALLFUNNEL_PROCESS"
"""Which spool is its own; what is left of it may be wound up by a process of another name."""


class Fleet:
    """The watches of all identities; `watches` is in the order of the table."""

    def __init__(
        self, table: Iterable[Process], beside: Beside, tell: Tell, hung_s: float = 12.0
    ) -> None:
        self._rows = {process.name: process for process in table}
        self._beside = beside
        self._tell = tell
        self._hung_s = hung_s
        self._in_office = {name: Watch(row, hung_s) for name, row in self._rows.items()}
        self._others: dict[str, list[Watch]] = {name: [] for name in (*self._rows, _NO_PLACE)}

    @property
    def places(self) -> list[str]:
        """The rows that can be restarted."""
        return [name for name, row in self._rows.items() if not isinstance(row.ready, Exits)]

    @property
    def watches(self) -> Iterator[Watch]:
        """All of them: of each place the one in office first."""
        for place, watch in self._in_office.items():
            yield watch
            yield from self._others[place]
        yield from self._others[_NO_PLACE]

    def in_office(self, place: str) -> Watch:
        return self._in_office[place]

    def find(self, identity: str) -> Watch | None:
        """The watch of a process's own name."""
        return next((each for each in self.watches if each.process.name == identity), None)

    @property
    def settled(self) -> bool:
        """Whether every place is as it should be."""
        return all(watch.settled for watch in self._in_office.values())

    @property
    def serving(self) -> Iterator[Watch]:
        """Those that should answer that they are ready."""
        return (each for each in self._in_office.values() if isinstance(each.state, Serving))

    def others_serve(self, place: str) -> bool:
        """Whether another place of its kind (`media-2` beside `media-1`) is at work."""
        kind = place.partition("-")[0]
        return any(
            other != place and other.partition("-")[0] == kind and isinstance(watch.state, Serving)
            for other, watch in self._in_office.items()
        )

    def add_successor(self, place: str) -> Watch:
        """One more process for a place, due at once; not in office until `promote`."""
        process = self._beside(self._rows[place], self._free_identity(place))
        watch = Watch(process, self._hung_s)
        self._others[place].append(watch)
        return watch

    def promote(self, place: str, successor: Watch, now: float) -> None:
        """The successor takes the office; the one before leaves."""
        before = self._in_office[place]
        self._others[place].remove(successor)
        self._others[place].append(before)
        self._in_office[place] = successor
        successor.restarts = before.restarts + 1
        self._leave(before, now, again=False)

    def dismiss(self, successor: Watch, now: float) -> None:
        """One that was to follow ends instead."""
        self._leave(successor, now, again=False)

    def drain(self, place: str, now: float) -> None:
        """The one in office leaves and nobody follows."""
        self._leave(self._in_office[place], now, again=False)

    def renew(self, place: str, now: float) -> None:
        """The one in office ends and starts again; one that has left is started."""
        self._leave(self._in_office[place], now, again=True)

    def adopt(self, process: Process) -> Watch:
        """A process beside the table that runs once (see `Exits`)."""
        watch = Watch(process, self._hung_s)
        self._others[_NO_PLACE].append(watch)
        return watch

    def departed(self) -> list[Process]:
        """Those that have left since the last time; who is not in office is forgotten."""
        found = [each for each in self.watches if isinstance(each.state, Left) and each.fresh]
        for each in found:
            each.fresh = False
        for others in self._others.values():
            others[:] = [each for each in others if not each.over]
        return [each.process for each in found]

    def _leave(self, watch: Watch, now: float, *, again: bool) -> None:
        if pid := watch.leave(now, again=again):
            self._tell(watch.process, pid)

    def _free_identity(self, place: str) -> str:
        taken = {each.process.env.get(_IDENTITY, each.process.name) for each in self.watches}
        marks = chain(ascii_lowercase[1:], map(str, count(27)))
        names = chain((place,), (f"{place}-{mark}" for mark in marks))
        return next(name for name in names if name not in taken)
