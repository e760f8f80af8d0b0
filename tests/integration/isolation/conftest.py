"""The same fixtures as the data plane's tests."""

from tests.integration.persistence.conftest import context, media_bus, view

__all__ = ["context", "media_bus", "view"]
