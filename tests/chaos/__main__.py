"""`./cf chaos`: the kill matrix, whole or in part; `./cf chaos pressure`: what is full or away;
`./cf chaos rolling [CALLS]`: every process restarted under calls."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.chaos import matrix, page, rolling
from tests.chaos.cells import FEW, VICTIMS, Cell, Harm, Phase, all_cells
from tests.chaos.pressure import __main__ as pressure
from tests.chaos.stage import Stage


def main(words: list[str]) -> int:
    """0 when every cell that applies holds."""
    if words[:1] == ["pressure"]:
        return pressure.main(words[1:])
    if words[:1] == ["rolling"]:
        return rolling.main(words[1:])
    parser = _parser()
    given = parser.parse_args(words)
    if nothing := [name for name in given.cell if not _chosen([name])]:
        parser.error(f"no square is called {', '.join(nothing)}; {_names()}")
    cells = [*few()] if given.few else _chosen(given.cell)
    keep = page.keep if given.write else _forget
    folder = Path(tempfile.mkdtemp(prefix="callfunnel-chaos-"))
    stage = Stage.open(folder, disks=any(cell.harm is Harm.FULL for cell in cells))
    try:
        results, whole = matrix.run_all(stage, cells, given.seed, keep)
    finally:
        stage.close()
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    for line in whole:
        matrix.say(f"X {line}")
    if given.write:
        page.write()
    matrix.say(f"{sum(each.holds for each in results)} of {len(results)} squares hold")
    return 1 if whole or any(each.wrong for each in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./cf chaos",
        description="The kill matrix, whole or in part.",
        epilog="`./cf chaos pressure [NAME...]`: what is full or away, a minute each;"
        " `./cf chaos rolling [CALLS]`: every process restarted under calls.",
    )
    parser.add_argument(
        "--cell",
        action="append",
        metavar="VICTIM[/PHASE[/HARM]]",
        default=[],
        help=f"only these squares, * = all of that part; repeatable; {_names()}",
    )
    parser.add_argument("--few", action="store_true", help="what every change must survive")
    parser.add_argument("--seed", type=int, default=1, help="when in its phase a call is struck")
    parser.add_argument("--write", action="store_true", help="renew docs/kill_matrix.md")
    parser.add_argument("--keep", action="store_true", help="leave the home folder for a look")
    return parser


def _names() -> str:
    parts = {"victims": VICTIMS, "phases": Phase, "harms": Harm}
    return "; ".join(f"{part}: {', '.join(names)}" for part, names in parts.items())


def _forget(results: list[matrix.Result]) -> None:
    """A run that leaves no trace."""


def few() -> Iterator[Cell]:
    """All phases of a few strikes."""
    return (Cell(victim, phase, harm) for victim, harm in FEW for phase in Phase)


def _chosen(names: list[str]) -> list[Cell]:
    """Cells whose parts match a name; `*` and what is left out match all."""
    found = []
    for cell in all_cells():
        own = str(cell).split("/")
        for name in names or ["*"]:
            asked = name.split("/")
            if all(part in ("*", mine) for part, mine in zip(asked, own, strict=False)):
                found.append(cell)
                break
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
