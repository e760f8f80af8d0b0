"""What is done to a victim, and how it is undone. Each harm is begun, lasts, and is lifted."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.chaos.cells import CLOCK_LASTS_S, HARM_LASTS_S, Harm
from tests.chaos.stage import Stage, send

Lift = Callable[[], None]


DEADLY = (Harm.KILL, Harm.REFUSED)
"""After these the victim is another process."""


def lasts_s(harm: Harm) -> float:
    """Seconds between the harm and its end."""
    return {Harm.KILL: 0.0, Harm.CLOCK: CLOCK_LASTS_S}.get(harm, HARM_LASTS_S)


def why_impossible(stage: Stage, victim: str, harm: Harm) -> str:
    """Why this machine cannot do it; empty when it can."""
    if harm is Harm.FULL and victim not in stage.disks:
        return "this user may not mount a small disk"
    return ""


def begin(stage: Stage, victim: str, harm: Harm, chance: Random) -> Lift:
    """Does it; what comes back undoes it."""
    match harm:
        case Harm.KILL:
            return _kill(stage, victim)
        case Harm.STOP:
            pids = stage.pids(victim)
            if victim == "supervisor":
                os.kill(pids[0], signal.SIGSTOP)  # itself alone: its children are other victims
                return lambda: os.kill(pids[0], signal.SIGCONT)
            send(pids, signal.SIGSTOP)
            return lambda: send(pids, signal.SIGCONT)
        case Harm.REFUSED:
            supervisor = stage.up.process.pid
            os.kill(supervisor, signal.SIGSTOP)
            send(stage.pids(victim), signal.SIGKILL)
            return lambda: os.kill(supervisor, signal.SIGCONT)
        case Harm.FULL:
            return _fill(stage.disks[victim])
        case Harm.CLOCK:
            return _jump(stage, victim, chance.choice((-1_000, 1_000)))


def _kill(stage: Stage, victim: str) -> Lift:
    if victim != "supervisor":
        for pid in stage.pids(victim):
            os.kill(pid, signal.SIGKILL)
        return lambda: None
    stage.up.process.kill()
    stage.up.process.wait()
    return stage.start_again


def _fill(disks: list[Path]) -> Lift:
    sizes = {disk: _size(os.statvfs(disk)) for disk in disks}
    for disk in disks:
        _shrink(disk)

    def lift() -> None:
        for disk, size in sizes.items():
            assert _resize(disk, size)

    return lift


def _size(stat: os.statvfs_result) -> int:
    return stat.f_blocks * stat.f_frsize


def _shrink(disk: Path) -> None:
    """To what it holds, or a little more where that grows while we look."""
    for slack in range(0, 2**20, 2**14):
        stat = os.statvfs(disk)
        if _resize(disk, (stat.f_blocks - stat.f_bfree) * stat.f_frsize + slack):
            return
    raise AssertionError(f"{disk} cannot be filled")


def _resize(disk: Path, size: int) -> bool:
    words = ["mount", "-o", f"remount,size={max(size, 2**12)}", str(disk)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def _jump(stage: Stage, victim: str, by_ms: int) -> Lift:
    names = ("media-1", "media-2") if victim == "media" else (victim,)
    files = [stage.folder / "clocks" / f"{name}.ms" for name in names]
    for file in files:
        file.write_text(str(by_ms))

    def lift() -> None:
        for file in files:
            file.unlink()

    return lift
