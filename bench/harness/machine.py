"""The machine a figure was taken on, and whether others used it meanwhile."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from msgspec import Struct


class Machine(Struct, frozen=True, kw_only=True):
    """What must be said beside a figure. Shares are of all cores, in percent, while it ran."""

    cores: int
    model: str
    memory_mb: int
    kernel: str
    python: str
    steal: float = 0.0
    load_before: float = 0.0

    def line(self) -> str:
        """As one line of text."""
        return (
            f"{self.cores} x {self.model}, {self.memory_mb / 1024:.0f} GB, {self.kernel}, Python "
            f"{self.python}; steal {self.steal:.1f} %, load before {self.load_before:.1f}"
        )


class Watch:
    """Watches the machine from now on; `seen` describes it."""

    def __init__(self) -> None:
        self._before = _ticks()
        self._load = os.getloadavg()[0]

    def seen(self) -> Machine:
        """The machine, and the time the host took away from it since."""
        spent = [now - before for now, before in zip(_ticks(), self._before, strict=True)]
        return Machine(
            cores=os.cpu_count() or 1,
            model=_field("/proc/cpuinfo", "model name", platform.machine()),
            memory_mb=int(_field("/proc/meminfo", "MemTotal", "0 kB").split()[0]) // 1024,
            kernel=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            steal=100 * spent[7] / max(1, sum(spent)),
            load_before=self._load,
        )


def _ticks() -> list[int]:
    """user nice system idle iowait irq softirq steal, of all cores since boot."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    return [int(each) for each in line.split()[1:9]]


def _field(path: str, name: str, otherwise: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return otherwise
