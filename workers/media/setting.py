"""What a session is made of, and the two things it needs from outside: a socket and errands."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from callfunnel.domain.call import CallSpec
from callfunnel.domain.rulebook import PublishedRulebook
from workers.media.channels.dialect import Frame
from workers.media.core.inputs import Input
from workers.media.core.outputs import End, RunTool, WatchApproval
from workers.media.models.line import OpenLine
from workers.media.report import Reporter
from workers.media.speaker import Speaker


class LineSocket(Protocol):
    """The media socket, as the session sees it. Neither method blocks or raises."""

    def send(self, frame: Frame) -> None: ...
    def close(self) -> None: ...


class Errands(Protocol):
    """What a call has others do; answers come back as inputs, through `tell`.

    `ended` returns once the registry knows the end, or cannot be waited for any longer.
    """

    def run_tool(self, wanted: RunTool, tell: Callable[[Input], None]) -> None: ...
    def watch_approval(self, wanted: WatchApproval, tell: Callable[[Input], None]) -> None: ...
    async def ended(self, end: End, dial: str) -> None: ...
    def stop(self) -> None: ...


class Setting(Struct, frozen=True, kw_only=True):
    """Everything about one call that was decided before its socket opened."""

    spec: CallSpec
    rulebook: PublishedRulebook
    open_line: OpenLine
    reporter: Reporter
    errands: Errands
    speaker: Speaker
