"""What is kept of the benches: a JSON file each, and the page and the plots made from them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from bench.harness.figures import Figure, told
from bench.harness.run import Record

FOLDER: Final = Path(__file__).parents[1]
RESULTS: Final = FOLDER / "results"
PAGE: Final = FOLDER / "RESULTS.md"
_HEAD: Final = """# Measured figures
Generated from `bench/results/*.json` by `./cf bench results`. `./cf bench --write` measures anew \
all but what `./cf bench list` says is by name only, `./cf bench <name> --write` one part. A \
figure is the median of the repetitions, their range beside it where there are several. What is \
under test has a core of its own, the load comes from another.
"""


def keep(record: Record) -> None:
    """Writes the record's file."""
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    (RESULTS / f"{record.bench}.json").write_bytes(text + b"\n")


def records(order: Iterable[str]) -> list[Record]:
    """What was kept, in this order; a bench that was never written is left out."""
    files = [RESULTS / f"{name}.json" for name in order]
    return [msgspec.json.decode(f.read_bytes(), type=Record) for f in files if f.exists()]


def page(found: Iterable[Record]) -> str:
    """The whole results page."""
    return "\n".join([_HEAD, *(_section(each) for each in found)])


def _section(record: Record) -> str:
    rows = "\n".join(_row(figure) for figure in record.figures)
    names = dict.fromkeys(point.plot.name for point in record.points)
    plots = "".join(f"\n![{name}](plots/{name}.svg)" for name in names)
    texts = "".join(f"\n\n**{title}**\n```\n{body}\n```" for title, body in record.texts.items())
    return (
        f"## {record.title}\n`{record.command}`, {record.at}, commit {record.commit}, "
        f"{record.seconds:.0f} s. {record.machine.line()}.\n\n"
        f"| what | reach | measured | |\n|---|---|---|---|\n{rows}{plots}{texts}\n"
    )


def _row(figure: Figure) -> str:
    reach = f"{figure.reach} {figure.unit}".strip() if figure.reach else ""
    spread = f" ({told(min(figure.values))} to {told(max(figure.values))})"
    measured = f"{told(figure.value)} {figure.unit}".strip() + spread * (len(figure.values) > 1)
    verdict = "" if not figure.reach else ("reached" if figure.reached else "**missed**")
    return f"| {figure.what} | {reach} | {measured} | {verdict} |"
