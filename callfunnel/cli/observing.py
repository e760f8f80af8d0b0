"""`targets`: where Prometheus finds the metrics of what runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from callfunnel.cli import options

if TYPE_CHECKING:
    from callfunnel.cli.stack import Running


def targets(*, home: options.Home = None) -> None:
    """Print where the metrics are, as Prometheus' file_sd_configs reads it."""
    from callfunnel.cli.output import show_json
    from callfunnel.cli.stack import running

    show_json(list(_targets(running(home))))


def _targets(stack: Running) -> Iterator[dict[str, Any]]:
    """One target per process that shows metrics; `process` is its name, as in the logs."""
    for name, _ in stack.processes:
        address = _address(stack, name)
        if address:
            yield {"targets": [address], "labels": {"process": name}}


def _address(stack: Running, name: str) -> str:
    if name == "issuer":
        return urlsplit(stack.services[name]).netloc
    try:
        left = json.loads((stack.home.run / f"{name}.json").read_text())
    except (OSError, ValueError):
        return ""
    port = left.get("health_port") or left.get("http_port")
    return f"127.0.0.1:{port}" if port else ""
