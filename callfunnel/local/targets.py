"""Where the metrics of what runs are, as Prometheus' file_sd_configs reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from callfunnel.local.home.folder import Home
from callfunnel.local.home.ports import LOOPBACK

Target = dict[str, Any]


def targets(home: Home, state: Mapping[str, Any]) -> Iterator[Target]:
    """One target per process that shows metrics now; `process` is its name, as in the logs.

    `state` is that of `home.state`. What a process left before it was started again is not shown.
    """
    for each in state.get("processes", []):
        name = str(each["name"])
        issuer = urlsplit(str(state["services"].get(name, ""))).netloc
        address = issuer if name == "issuer" else _address(home, name, each["pid"])
        if address:
            yield {"targets": [address], "labels": {"process": name}}


def _address(home: Home, name: str, pid: object) -> str:
    try:
        left = json.loads((home.run / f"{name}.json").read_text())
    except (OSError, ValueError):
        return ""
    port = left.get("health_port") or left.get("http_port")
    return f"{LOOPBACK}:{port}" if port and left.get("pid") == pid else ""
