"""Text into plain values that know their lines. YAML, of which JSON is a part; bounded."""

import io
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

MOST_BYTES = 64 * 1024
"""Reading takes up to 13 ms a kB, whoever wrote it: 0.8 s at most. The demo's book has 9 kB."""
MOST_VALUES = 20_000
DEEPEST = 24
_MOST_OPEN = 200
"""Brackets open at once, wherever they stand. The YAML scanner's time grows with their square."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Nothing that is said or stored holds one: XML has no way to write it, the database refuses it."""
Path = tuple[str | int, ...]


class Problem(Struct, frozen=True):
    """What is wrong, where, and what to do; `line` counts from 1, `pointer` is RFC 6901."""

    pointer: str
    line: int
    what: str
    fix: str


class Unreadable(Exception):
    """The text is no document; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


class Document(Struct, frozen=True):
    """A document as plain values, and the line of each."""

    value: Any
    lines: Mapping[Path, int]

    def problem(self, path: Path, what: str, fix: str) -> Problem:
        """A problem at `path`; the line is that of the nearest value that has one."""
        at = path
        while at not in self.lines and at:
            at = at[:-1]
        return Problem(pointer(path), self.lines.get(at, 1), what, fix)


def pointer(path: Path) -> str:
    """A path as a JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def read(text: str) -> Document:
    """The document in `text`. Raises Unreadable."""
    if len(text.encode()) > MOST_BYTES:
        raise _unreadable(1, "the document is too large", f"at most {MOST_BYTES // 1024} kB")
    if _most_open(text) > _MOST_OPEN:
        raise _unreadable(1, "brackets are nested too deep", "nest less")
    yaml = YAML(typ="rt", pure=True)
    yaml.composer.warn_double_anchors = False  # an anchor may be set again; none of our business
    try:
        loaded = yaml.load(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark else 1
        raise _unreadable(line, what, "mend the YAML on this line or the one before") from None
    except (YAMLError, RecursionError, ValueError, AttributeError, TypeError, LookupError):
        # The last three are what the library itself trips over: a merge of itself, for one.
        raise _unreadable(1, "this is no YAML", "write the document as YAML or JSON") from None
    if not isinstance(loaded, CommentedMap):
        raise _unreadable(1, "a rule book is a mapping", "begin with `agent:` and `persona:`")
    lines: dict[Path, int] = {(): 1}
    return Document(_plain(loaded, (), lines), lines)


def _most_open(text: str) -> int:
    steps = (1 if each in "[{" else -1 for each in text if each in "[{]}")
    return max(accumulate(steps, lambda depth, step: max(0, depth + step)), default=0)


def _plain(value: Any, path: Path, lines: dict[Path, int]) -> Any:
    """A copy without comments; notes the line of every key and item as it goes."""
    if len(lines) > MOST_VALUES or len(path) > DEEPEST:
        raise _unreadable(1, "the document has too many values", "write less, or nest less")
    if isinstance(value, CommentedMap):
        return {key: _child(value, key, str(key), path, lines) for key in _keys(value)}
    if isinstance(value, CommentedSeq):
        return [_child(value, n, n, path, lines) for n in range(len(value))]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str) and _CONTROL.search(value):
        raise _unreadable(lines.get(path, 1), "a control character", "write words")
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise _unreadable(lines.get(path, 1), "a date or a tagged value", "write it in quotes")


def _keys(value: CommentedMap) -> Sequence[Any]:
    return list(value.keys())


def _child(
    parent: CommentedMap | CommentedSeq,
    key: Any,
    name: str | int,
    path: Path,
    lines: dict[Path, int],
) -> Any:
    at = (*path, name)
    marks = parent.lc.data or {}
    lines[at] = marks[key][0] + 1 if key in marks else lines.get(path, 1)
    if isinstance(parent, CommentedMap) and not (isinstance(key, str) and _is_plain(key)):
        what = f"the key {str(key)[:40]!r} is no text"
        raise _unreadable(lines[at], what, "put the key in quotes")
    return _plain(parent[key], at, lines)


def _is_plain(key: str) -> bool:
    return _CONTROL.search(key) is None


def _unreadable(line: int, what: str, fix: str) -> Unreadable:
    return Unreadable(Problem("", line, what, fix))
