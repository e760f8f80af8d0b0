"""Every feature of every deployable, as the host starts it: its consumers keep the rules."""

import importlib

import pytest
from faststream.middlewares import AckPolicy
from nats.js import api

from callfunnel.infra.batches import ContinuousBatchSubscriber, SharedBroker
from callfunnel.infra.context import Context
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings

DEPLOYABLES = ("workers.conductor", "workers.persistence", "workers.billing")


@pytest.mark.parametrize("package", DEPLOYABLES)
async def test_no_subscriber_runs_with_a_default_policy(
    package: str, platform: PlatformSettings, platform_secrets: SealedSecrets
) -> None:
    """FastStream's default drops a message on its first exception."""
    context = Context(platform, platform_secrets)
    for make in _features(package).values():
        await make(context).start()
    brokers = [bus._broker for bus in context._buses.values() if bus._broker is not None]
    await context.start()
    try:
        for broker in brokers:
            _check(broker)
        assert context.checks(), "the deployable uses the bus"
        assert all(context.checks().values()), context.checks()
    finally:
        await context.stop_buses()
        await context.close()


def _check(broker: SharedBroker) -> None:
    for subscriber in broker.subscribers:
        assert isinstance(subscriber, ContinuousBatchSubscriber)
        assert subscriber.ack_policy is AckPolicy.MANUAL
        assert subscriber.config.ack_policy is api.AckPolicy.EXPLICIT
        assert subscriber.config.max_deliver == -1
        assert (subscriber.config.max_ack_pending or 0) > 1000
        assert subscriber.settling is not None


@pytest.mark.parametrize("package", DEPLOYABLES)
def test_a_feature_is_known_by_its_own_name(package: str, platform: PlatformSettings) -> None:
    for name in _features(package):
        assert name.replace("-", "").replace("_", "").isalnum()


def _features(package: str) -> dict[str, object]:
    return importlib.import_module(f"{package}.service").FEATURES
