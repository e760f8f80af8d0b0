"""What a fuzz target is: one parser, and the contract that no input may break."""

import importlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
_TARGETS = HERE / "targets"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One parser under fire.

    `check` runs it on any bytes and raises when the contract is broken: a value of the right
    shape or the parser's own named error, a round trip where there is an encoder. `seeds` are
    whole, valid inputs; `tokens` are words that matter to the parser.
    """

    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    tokens: tuple[str, ...] = ()
    most_bytes: int = 4096


def names() -> list[str]:
    """Every target there is: a file in `targets/`."""
    return sorted(path.stem for path in _TARGETS.glob("[a-z]*.py"))


def load(name: str) -> Target:
    """The target of that name, with all that it tests imported."""
    found: Target = importlib.import_module(f"tests.fuzz.targets.{name}").TARGET
    return found


def kept(name: str) -> list[Path]:
    """The inputs kept for a target, what once broke it among them."""
    return sorted((CORPUS / name).glob("*"))


def frames(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Messages of a socket: one a line, binary ones marked by a first byte of 1."""
    for line in data.split(b"\n"):
        binary = line[:1] == b"\x01"
        yield binary, line[1:] if binary else line


def lines(data: bytes, count: int) -> list[str]:
    """The first `count` lines as text, missing ones empty; the last holds all the rest."""
    parts = data.decode("utf-8", "replace").split("\n", count - 1)
    return parts + [""] * (count - len(parts))


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whose collaborators never wait."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("it waits for something")
