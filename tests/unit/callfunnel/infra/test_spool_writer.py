"""When the spool's writer puts what it was handed on disk: a fact soon, the rest with company.

And that it outlives a disk that refuses.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from callfunnel.infra import spool_writer
from callfunnel.infra.spool_file import Accepted, Opened, Step, Stored
from callfunnel.infra.spool_lane import Page, lane_of
from callfunnel.infra.spool_writer import SpoolWriter
from callfunnel.infra.windowed import Outgoing
from tests.simulators.waiting import until

CALL = "c_" + "a" * 26


class File:
    """Takes groups and keeps them."""

    def __init__(self) -> None:
        self.groups: list[list[Step]] = []

    def apply(self, steps: Sequence[Step]) -> None:
        self.groups.append(list(steps))

    def truncate_log(self) -> None:
        """There is none."""

    def close(self) -> None:
        """Nothing is open."""


def accepted(key: int, subject: str) -> Accepted:
    message = Outgoing(key, f"m{key}", f"cf.demo.{subject}", {}, b"")
    return Accepted(message, None, lane_of(message.subject))


AUDIO = accepted(1, f"audio.{CALL}.segment")
USAGE = accepted(2, f"usage.{CALL}.measured")
FACT = accepted(3, f"raw.{CALL}.caller_spoke")


def writer(file: Any) -> SpoolWriter:
    return SpoolWriter(file, on_disk=lambda _: None, paged=lambda _: None, commit_every_s=0.001)


@pytest.mark.parametrize("hasty", [FACT, Opened(CALL, b"{}")])
async def test_a_fact_takes_along_what_waits_for_company(
    hasty: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_writer, "_PATIENT_S", 3600.0)
    file = File()
    writing = writer(file)
    patient: list[Step] = [AUDIO, USAGE, Stored(9)]
    for step in patient:
        writing.append(step)
    await asyncio.to_thread(int)  # whoever was woken has had its turn
    assert file.groups == []

    writing.append(hasty)

    await until(lambda: bool(file.groups), "it is written")
    assert file.groups == [[*patient, hasty]]
    await writing.close()


@pytest.mark.parametrize("step", [AUDIO, USAGE, Stored(9)])
async def test_what_nobody_waits_for_is_written_all_the_same(step: Step) -> None:
    file = File()
    writing = writer(file)
    writing.append(step)
    await until(lambda: file.groups == [[step]], "it is written")
    await writing.close()


async def test_closing_writes_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_writer, "_PATIENT_S", 3600.0)
    file = File()
    writing = writer(file)
    writing.append(AUDIO)
    await writing.close()
    assert file.groups == [[AUDIO]]


class FullDisk(File):
    """Fails once at everything that needs room; what it is asked after that it does."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.truncated = 0

    def truncate_log(self) -> None:
        self._refuse_once("log")
        self.truncated += 1

    def page(self, lane: int, after: int) -> Page:
        self._refuse_once("page")
        return Page(lane, [], more=False)

    def _refuse_once(self, what: str) -> None:
        if what not in self.refused:
            self.refused.append(what)
            raise sqlite3.OperationalError("database or disk is full")


async def test_a_disk_too_full_to_empty_the_log_is_written_to_once_it_has_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool_writer, "_IDLE_S", 0.01)
    file = FullDisk()
    writing = writer(file)
    writing.append(FACT)
    await until(lambda: bool(file.refused), "the log could not be emptied")
    writing.append(USAGE)
    await until(lambda: file.groups == [[FACT], [USAGE]], "the next message is written")
    await until(lambda: file.truncated > 0, "the log is emptied after all")
    assert writing.broken == ""
    await writing.close()


async def test_a_page_that_cannot_be_read_is_read_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_writer, "_IDLE_S", 0.01)
    pages: list[Page] = []
    writing = SpoolWriter(
        FullDisk(),  # type: ignore[arg-type]
        on_disk=lambda _: None,
        paged=pages.append,
        commit_every_s=0.001,
    )
    writing.read_page(1, 0)
    await until(lambda: pages == [Page(1, [], more=False)], "the page is there")
    await writing.close()
