"""`./cf bench`: measures what is named (everything, without a name) and prints the figures.

    ./cf bench list                          what there is
    ./cf bench [names] [--quick]             measures and prints; --quick only sees whether it works
    ./cf bench [names] --write               keeps the figures: JSON, RESULTS.md, plots
    ./cf bench results [--check]             makes RESULTS.md and the plots from the JSON files
    ./cf bench compare <git-ref> <name>      that commit against this tree, interleaved

What a bench can be told besides (`--calls 100`) is said where it is used: `bench/<name>`.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from types import FrameType

import msgspec

from bench.harness import compare, kept, plots
from bench.harness.run import Bench, Record, Run, measured
from bench.registry import BENCHES


def main(words: Sequence[str]) -> int:
    """The exit status: 1 when a figure misses what it should reach (not with `--quick`)."""
    match words:
        case ["list"]:
            return _list()
        case ["results", *rest]:
            return _results(check=rest == ["--check"])
        case ["compare", *rest]:
            return _compare(rest)
        case _:
            return _bench(words)


def _list() -> int:
    for bench in BENCHES.values():
        when = "by name only" if bench.alone else f"about {bench.seconds * bench.repeat} s"
        print(f"{bench.name:<12} {bench.title} ({when})")
    return 0


def _results(*, check: bool) -> int:
    found = kept.records(BENCHES)
    page = kept.page(found)
    if check:
        return 0 if kept.PAGE.read_text() == page else 1
    kept.PAGE.write_text(page)
    plots.draw(found)
    return 0


def _compare(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./cf bench compare", allow_abbrev=False)
    parser.add_argument("ref", help="a commit, for example HEAD~1")
    parser.add_argument("bench", choices=BENCHES, metavar="name", help="see `./cf bench list`")
    parser.add_argument("--rounds", type=int, default=5, help="of both in turn")
    options, rest = parser.parse_known_args(words)
    if not compare.is_commit(options.ref):
        parser.error(f"{options.ref} names no commit here")
    try:
        print(compare.compare(options.ref, [options.bench, *rest], options.rounds))
    except subprocess.CalledProcessError as failure:
        print(f"cf bench compare: {shlex.join(map(str, failure.cmd))} ended {failure.returncode}")
        return 1
    return 0


def _bench(words: Sequence[str]) -> int:
    names = list(takewhile(lambda word: not word.startswith("-"), words))
    parser = argparse.ArgumentParser(
        prog="./cf bench",
        usage="./cf bench [names] [options]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="as small as it can be")
    parser.add_argument("--write", action="store_true", help="keep the figures")
    parser.add_argument("--json", type=Path, help="also write the record of one bench here")
    parser.add_argument("--repeat", type=int, help="repetitions")
    options, rest = parser.parse_known_args(words[len(names) :])
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"there is no bench {', '.join(unknown)}; `./cf bench list` says which")
    told, chosen = _pairs(rest), _chosen(names)
    if not names and not options.quick:
        minutes = sum(each.seconds * (options.repeat or each.repeat) for each in chosen) / 60
        print(f"{len(chosen)} benches, about {minutes:.0f} minutes; `./cf bench list` names them")
    records, failed = _measured(chosen, options, told)
    if options.json and records:
        options.json.write_bytes(msgspec.json.encode(records[0]))
    if options.write:
        _results(check=False)
    missed = [f"{r.bench}: {f.what}" for r in records for f in r.figures if not f.reached]
    for verdict, what in [*(("missed", x) for x in missed), *(("failed", x) for x in failed)]:
        print(f"{verdict}: {what}")
    return 1 if failed or (missed and not options.quick) else 0


def _measured(
    benches: Sequence[Bench], options: argparse.Namespace, told: Mapping[str, str]
) -> tuple[list[Record], list[str]]:
    """The records, and a line for each bench that failed: the others are measured all the same."""
    records, failed = [], []
    for bench in benches:
        began = time.monotonic()
        try:
            records.append(_measure(bench, options, told))
        except Exception as error:
            failed.append(f"{bench.name}: {_why(error)}")
            print(f"  FAILED {failed[-1]}")
        print(f"  {time.monotonic() - began:.1f} s", flush=True)
    return records, failed


def _why(error: Exception) -> str:
    """One line: what, and where in the benches or below."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said} ({Path(at.filename).name}:{at.lineno})"


def _chosen(names: Sequence[str]) -> list[Bench]:
    return [BENCHES[name] for name in names or BENCHES if names or not BENCHES[name].alone]


def _measure(bench: Bench, options: argparse.Namespace, told: Mapping[str, str]) -> Record:
    print(f"== {bench.title} ({bench.name})", flush=True)
    said = "".join(f" --{name} {value}" for name, value in told.items())
    repeat = options.repeat or (1 if options.quick else bench.repeat)
    command = f"./cf bench {bench.name}{said}"
    record = measured(bench, lambda: Run(quick=options.quick, options=told), repeat, command)
    if options.write:
        kept.keep(record)
    return record


def _pairs(words: Sequence[str]) -> dict[str, str]:
    """`--calls 100 --minutes 2` as names and values."""
    names, values = words[::2], words[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        sys.stderr.write(f"./cf bench: cannot read {' '.join(words)}: --name value, in pairs\n")
        raise SystemExit(2)
    return {name[2:]: value for name, value in zip(names, values, strict=True)}


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """What was started is stopped on the way out."""
    raise SystemExit("./cf bench: told to stop")


if __name__ == "__main__":
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _leave)
    sys.exit(main(sys.argv[1:]))
