"""What the command line asks of a running `up`: one file per order in the run folder, and a signal.

    order-<id>.json    {"do": "roll" | "restart" | "drain", "places": [...]}, by who asks
    answer-<id>.jsonl  {"say": ..., facts} lines, at last {"done": ..., "why": ...}, by `up`

Only the owner of the home may write there, which is all the right that is needed.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callfunnel.domain.errors import UserError
from callfunnel.local.home.folder import Home, is_running, read_state, write_json

WAKE = signal.SIGUSR1
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """One of them. `places` are rows of the table."""

    ident: str
    do: str
    places: tuple[str, ...]


def take(home: Home) -> list[Order]:
    """The orders that wait, oldest first; they no longer wait afterwards."""
    found = []
    for file in sorted(home.run.glob("order-*.json"), key=lambda each: each.stat().st_mtime_ns):
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(file.read_text(encoding="utf-8"))
            ident = file.stem.removeprefix("order-")
            found.append(Order(ident, str(content["do"]), tuple(map(str, content["places"]))))
        file.unlink(missing_ok=True)
    return found


class Answer:
    """The supervisor's side of an order that is carried out."""

    def __init__(self, home: Home, order: Order) -> None:
        self._file = _answer_file(home, order.ident)

    def say(self, text: str, **facts: object) -> None:
        """One line for the person; `facts` for the program that shows it."""
        self._add({"say": text, **facts})

    def end(self, failure: str = "") -> None:
        """Done, or why not."""
        self._add({"done": not failure, "why": failure})

    def _add(self, line: dict[str, object]) -> None:
        with suppress(OSError), self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")


def give(home: Home, do: str, places: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Asks the running `up` and yields what it says. Raises UserError when it could not."""
    ident = f"{time.time_ns()}-{os.getpid()}"
    answer = _answer_file(home, ident)
    answer.touch(mode=0o600)
    write_json(home.run / f"order-{ident}.json", {"do": do, "places": list(places)})
    os.kill(int(read_state(home)["pid"]), WAKE)
    try:
        yield from _answers(home, answer)
    finally:
        answer.unlink(missing_ok=True)


def _answers(home: Home, answer: Path) -> Iterator[dict[str, Any]]:
    with answer.open(encoding="utf-8") as lines:
        while True:
            line = lines.readline()
            if not line:
                if not is_running(home):
                    raise UserError("the stack was stopped meanwhile")
                time.sleep(_POLL_S)
                continue
            told = json.loads(line)
            if "done" in told:
                if not told["done"]:
                    raise UserError(told["why"], "`./cf ps` shows what runs")
                return
            yield told


def _answer_file(home: Home, ident: str) -> Path:
    return home.run / f"answer-{ident}.jsonl"


def down(at: Home, patience: float = 8.0) -> bool:
    """Stop the `up` of that home and wait until it is gone; False when none runs.

    Raises UserError when it does not end.
    """
    if not is_running(at):
        return False
    pid = read_state(at).get("pid")
    if isinstance(pid, int):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while is_running(at):
        if time.monotonic() > deadline:
            raise UserError(
                f"CallFunnel in {at.root} does not stop", f"kill -9 {pid or '<its pid>'}"
            )
        time.sleep(_POLL_S)
    return True
