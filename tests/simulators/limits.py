"""Lifts the demo tenant's limit of calls on a running stack, as an operator with SQL would."""

import asyncio

import psycopg

from callfunnel.cli.stack import DEMO, running
from callfunnel.infra.postgres import conninfo
from callfunnel.infra.secrets import open_secrets
from tests.simulators.running_stack import RunningStack


def allow_calls(stack: RunningStack, limit: int) -> None:
    """The demo tenant may have so many calls at once."""
    platform = running(str(stack.home)).platform
    owner = asyncio.run(conninfo(platform, "owner", open_secrets(platform.secrets)))
    with psycopg.connect(owner) as connection:
        connection.execute(
            "update platform.tenants set call_limit = %s where tenant = %s", (limit, DEMO)
        )
