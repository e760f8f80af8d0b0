"""Lifts what would end or refuse a silent caller's call on a running stack: limits, and silence."""

import asyncio

import psycopg

from callfunnel.cli.stack import DEMO, running
from callfunnel.infra.postgres import conninfo
from callfunnel.infra.secrets import open_secrets
from tests.simulators.running_stack import RunningStack
from tests.simulators.waiting import eventually


def allow_calls(stack: RunningStack, limit: int) -> None:
    """The demo tenant may have so many calls at once."""
    platform = running(str(stack.home)).platform
    owner = asyncio.run(conninfo(platform, "owner", open_secrets(platform.secrets)))
    with psycopg.connect(owner) as connection:
        connection.execute(
            "update platform.tenants set call_limit = %s where tenant = %s", (limit, DEMO)
        )


def bear_silence(stack: RunningStack) -> None:
    """The agent asks whether anybody is there after a minute only: callers of a crowd say nothing,
    and on a busy machine their half minute may take longer."""
    file = stack.home / "rulebooks" / "home-internet.yaml"
    file.write_text(file.read_text().replace("after_ms: 12000", "after_ms: 60000"))
    eventually(lambda: rulebook_version(stack) > 1, "the edit is published")


def rulebook_version(stack: RunningStack) -> int:
    """The version that the next call is pinned to; 0 while nobody can say."""
    return int((stack.get("/v1/rulebooks/home-internet") or {"version": 0})["version"])
