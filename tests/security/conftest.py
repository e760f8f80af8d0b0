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
from tests.integration.media.model_thread import model_beside
from tests.page.conftest import browser, browser_flags, chromium_path
from tests.security.two_tenants import MODEL_KEY, TwoTenants
from tests.simulators.openai_realtime import Script
from tests.simulators.otlp_collector import collecting
from tests.simulators.running_stack import RunningStack

__all__ = [
    "browser",
    "browser_flags",
    "chromium_path",
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
    """The whole product with two tenants, a scripted model and a collector, one for the process."""
    script = Script()
    with model_beside(script) as model, collecting() as collector:
        up = RunningStack.start(
            tmp_path_factory.mktemp("attacked"),
            "--model", "openai",
            OPENAI_API_KEY=MODEL_KEY, OPENAI_BASE_URL=model.base_url,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        )  # fmt: skip
        made = TwoTenants.settle(up, script, collector)
        yield made
        made.close()
