"""Placing a call for a person: failures are mistakes to mend, not traces."""

import socket
from pathlib import Path
from typing import Any

import pytest

from callfunnel.carrier.caller import Manners
from callfunnel.cli.following import place_and_follow
from callfunnel.cli.stack import Running
from callfunnel.domain.errors import UserError
from callfunnel.local.home.folder import Home


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_gateway_that_does_not_answer_is_said_plainly(
    tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account: Any = {"account_sid": "AC1", "auth_token": "made-up"}
    monkeypatch.setattr(Running, "carrier", account)
    gateway = f"http://127.0.0.1:{closed_port}"
    stack = Running(Home(tmp_path), {"gateway": gateway, "public": gateway})
    with pytest.raises(UserError, match="does not answer"):
        await place_and_follow(stack, ("+1", "+2"), [], Manners(), quiet=False)
