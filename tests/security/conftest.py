"""Attacks on real services: the same ones that the integration tests use, or the whole product."""

from collections.abc import Iterator

import pytest

from tests.integration.conftest import (
    nats_url,
    objects,
    owner_conninfo,
    platform,
    platform_secrets,
    postgres,
    stack,
    tenant,
)
from tests.security.two_tenants import TwoTenants
from tests.simulators.running_stack import RunningStack

__all__ = [
    "nats_url",
    "objects",
    "owner_conninfo",
    "platform",
    "platform_secrets",
    "postgres",
    "stack",
    "tenant",
]


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoTenants]:
    """The whole product with two tenants, one for this test process."""
    made = TwoTenants.settle(RunningStack.start(tmp_path_factory.mktemp("attacked")))
    yield made
    made.close()
