"""`python -m callfunnel.local.supervisor`: the options of `up` without the command line's own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from callfunnel.local.home.folder import home_from
from callfunnel.local.lineup import parse_scale
from callfunnel.local.options import UpOptions, patience_from


def options_from(words: Sequence[str]) -> UpOptions:
    parser = argparse.ArgumentParser(prog="callfunnel.local.supervisor")
    parser.add_argument("--home")
    parser.add_argument("--port", type=int)
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--scale", action="append", default=[])
    parser.add_argument("--apart", action="store_true")
    given = parser.parse_args(words)
    return UpOptions(
        home=home_from(given.home, os.environ),
        port=given.port,
        headless=given.headless,
        ready_file=given.ready_file,
        model=given.model,
        scale=parse_scale(given.scale),
        apart=given.apart,
        patience=patience_from(os.environ),
    )
