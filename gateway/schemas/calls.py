"""Calls, their facts and their sealed records, as the API shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CALL_ID = r"^c_[a-z2-7]{26}$"


class Shown(BaseModel):
    """Base of every answer: built from a row; columns it does not name are not shown."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Call(Shown):
    """One call. Numbers are E.164, durations milliseconds, money micro-units of `currency`."""

    call: str
    state: Literal["offered", "connected", "ended", "settled"]
    started_at: datetime
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    cause: str | None = Field(None, description="why it ended, once it has")
    ended_by: str | None = None
    answered: bool | None = None
    direction: str | None = None
    channel: str | None = None
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    agent: str | None = None
    rulebook_version: int | None = None
    duration_ms: int | None = None
    timeline_complete: bool = False
    recording_ms: int | None = Field(None, description="length of the recording, once it is stored")
    settled: bool = False
    settled_at: datetime | None = None
    missing: list[str] | None = Field(None, description="what the sealed record lacks; best empty")
    amount_micros: int | None = None
    currency: str | None = None


class CallPage(Shown):
    """Newest first. `next` is the cursor of the following page, null on the last one."""

    items: list[Call]
    next: str | None = None


class Fact(Shown):
    """One fact of a call; `seq` orders them, null for what the workers behind the call say."""

    id: str
    seq: int | None = None
    type: str = Field(description="CloudEvents type, for example callfunnel.call.caller_spoke.v1")
    name: str = Field(description="the short name, for example caller_spoke")
    at: datetime
    call: str
    data: dict[str, Any]
    late: bool = Field(False, description="told after the call had been given up as lost")


class Timeline(Shown):
    """Everything that was told about a call, in order."""

    items: list[Fact]


class Record(Shown):
    """The sealed record of a call. `canonical` is the text whose SHA-256 is `digest`."""

    call: str
    digest: str
    missing: list[str]
    came_late: list[str] = []
    sealed_at: datetime
    record: dict[str, Any]
    canonical: str


class HangUpAccepted(Shown):
    """The worker was told; the call's end follows as a fact."""

    call: str
    accepted: Literal[True] = True
