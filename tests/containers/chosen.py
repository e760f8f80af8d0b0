"""Where the services of a test run come from: the wheels, or a container engine.

`CALLFUNNEL_TEST_SERVICES=containers` (`./cf test --containers`) is the whole difference; no test
knows which it got. The engine's libraries are imported only when asked for.
"""

import os
from pathlib import Path

from callfunnel.local.private_stack import PrivateStack
from tests.integration.bus.nats_process import NatsProcess

ASKED = "CALLFUNNEL_TEST_SERVICES"


def in_containers() -> bool:
    """Whether this run wants its services from containers."""
    return os.environ.get(ASKED) == "containers"


def services(folder: Path) -> PrivateStack:
    """NATS, Postgres and S3, prepared, with `folder` as their home."""
    if in_containers():
        from tests.containers.services import ContainerServices

        return ContainerServices.start(folder)
    return PrivateStack.start(folder)


def nats_server(folder: Path) -> NatsProcess:
    """A server for one test, not started yet."""
    if in_containers():
        from tests.containers.bus import NatsContainer

        return NatsContainer(folder)
    return NatsProcess(folder)
