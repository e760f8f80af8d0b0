"""`./cf fuzz [TARGET ...] [--seconds N] [--seed N] [--keep]`: every parser under guided fire.
`./cf fuzz --api [--seconds N]`: the API of a running stack against its own document (`api.py`).

The seconds are those of the whole run, shared by the targets, two of which run at a time; each in
a process of its own, with bounds on memory and on the time of one input. An input that breaks its
contract is written beside the kept ones, where the suite finds it from then on. The seed is another
one in each run, and printed, unless --seed gives it: what runs on every change tries the same
inputs in the same order, so that it fails for what was changed. With --keep what
reached new code is kept, too, as few and as small inputs as do.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import api
from tests.fuzz.target import CORPUS, kept, load, names

MOST_MEMORY_MB = 1024
ONE_INPUT_S = 5
"""Far beyond what any input takes: what takes longer hangs."""
MOST_KEPT = 24
_MOST_SEED = 2**31
_FIGURES = re.compile(r"#(\d+)\s.*?cov: (\d+)")


@dataclass(frozen=True)
class Verdict:
    """What became of one target. `broken`: the last words of a run that found something."""

    name: str
    runs: int
    coverage: int
    seconds: float
    broken: str = ""


def main(arguments: Sequence[str]) -> int:
    """1 when a parser broke its contract."""
    reader = argparse.ArgumentParser(prog="./cf fuzz", description=__doc__)
    reader.add_argument("target", nargs="*", help=f"any of: {', '.join(names())}")
    reader.add_argument("--seconds", type=_positive, default=120, help="of the whole run")
    reader.add_argument("--seed", type=_positive, default=random.randrange(1, _MOST_SEED))
    reader.add_argument("--keep", action="store_true", help="keep what reached new code")
    reader.add_argument("--api", action="store_true", help="the API of a running stack instead")
    wanted = reader.parse_args(arguments)
    if wanted.api:
        return api.attack(wanted.seconds)
    if importlib.util.find_spec("atheris") is None:
        print("left out: atheris is made for Linux on x86-64; the suite replays what was kept")
        return 0
    if unknown := set(wanted.target) - set(names()):
        reader.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    chosen = wanted.target or names()
    at_once = min(len(chosen), max(1, (os.cpu_count() or 2)))
    each_s = max(2, wanted.seconds * at_once // len(chosen))
    print(f"seed {wanted.seed}, {each_s} s each", flush=True)
    with ThreadPoolExecutor(at_once) as pool:
        verdicts = list(
            pool.map(lambda name: attack(name, each_s, wanted.seed, keep=wanted.keep), chosen)
        )
    broken = [each for each in verdicts if each.broken]
    for each in broken:
        print(f"\n{each.name} is broken:\n{each.broken}")
    runs = sum(each.runs for each in verdicts)
    print(f"\n{len(chosen) - len(broken)} of {len(chosen)} parsers held, {runs:,} inputs")
    return 1 if broken else 0


def attack(name: str, seconds: int, seed: int, *, keep: bool) -> Verdict:
    """One target for that long, from its seeds and what was kept."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        found, seeds = Path(scratch) / "found", Path(scratch) / "seeds"
        found.mkdir()
        _write(seeds, load(name).seeds)
        flags = [
            f"-max_total_time={seconds}",
            f"-seed={seed}",
            "-print_final_stats=1",
            *_tokens(name, Path(scratch)),
        ]
        done = _fuzz(name, flags, found, seeds, CORPUS / name)
        if keep and done.returncode == 0:
            _keep(name, found, seeds)
    figures = _FIGURES.findall(done.stderr) or [("0", "0")]
    verdict = Verdict(
        name,
        int(figures[-1][0]),
        int(figures[-1][1]),
        time.monotonic() - began,
        "" if done.returncode == 0 else "\n".join(done.stderr.splitlines()[-40:]),
    )
    word = "BROKEN" if verdict.broken else "held  "
    print(
        f"{word} {name:<18} {verdict.runs:>9,} inputs, {verdict.coverage:>5} edges,"
        f" {verdict.seconds:4.0f} s",
        flush=True,
    )
    return verdict


def _positive(text: str) -> int:
    if text.isdecimal() and 0 < (number := int(text)) < _MOST_SEED:
        return number
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_MOST_SEED - 1}")


def _fuzz(name: str, flags: list[str], *folders: Path) -> subprocess.CompletedProcess[str]:
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    limits = [
        f"-rss_limit_mb={MOST_MEMORY_MB}",
        f"-timeout={ONE_INPUT_S}",
        f"-max_len={load(name).most_bytes}",
        f"-artifact_prefix={CORPUS / name}/",
    ]
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.one", name, *limits, *flags, *map(str, folders)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _keep(name: str, *more: Path) -> None:
    """The fewest inputs that reach everything; what once broke the parser stays."""
    with tempfile.TemporaryDirectory() as fresh:
        done = _fuzz(name, ["-merge=1"], Path(fresh), CORPUS / name, *more)
        if done.returncode != 0:
            return
        merged = sorted(Path(fresh).iterdir(), key=lambda path: path.stat().st_size)
        for path in kept(name):
            if not path.name.startswith(("crash-", "timeout-", "oom-")):
                path.unlink()
        for path in merged[:MOST_KEPT]:
            shutil.copy(path, CORPUS / name / path.name[:16])


def _write(folder: Path, inputs: Sequence[bytes]) -> None:
    folder.mkdir()
    for number, data in enumerate(inputs):
        (folder / str(number)).write_bytes(data)


def _tokens(name: str, scratch: Path) -> list[str]:
    words = load(name).tokens
    if not words:
        return []
    escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words)
    path = scratch / "tokens"
    path.write_text("".join(f'"{word}"\n' for word in escaped))
    return [f"-dict={path}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
