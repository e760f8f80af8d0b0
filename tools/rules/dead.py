"""Code that nothing reaches, as vulture sees it, less what the allow list explains.

Fields are left out: a message's fields are read by serialisers, which name none of them.
"""

from __future__ import annotations

import subprocess
import sys

from tools.tree import ROOT

NOISE = ("unused variable", "unused attribute")


def problems() -> list[str]:
    found = subprocess.run(
        [sys.executable, "-m", "vulture"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode not in (0, 3):
        return [found.stderr.strip()]
    lines = found.stdout.splitlines()
    return [line for line in lines if not any(noise in line for noise in NOISE)]
