"""Attacks on real services: the same ones that the integration tests use."""

from tests.integration.conftest import nats_url, platform, platform_secrets, stack

__all__ = ["nats_url", "platform", "platform_secrets", "stack"]
