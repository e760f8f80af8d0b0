"""The same fixtures as the data plane's tests: features in this process, and the views."""

from tests.integration.persistence.conftest import context, media_bus, start, view

__all__ = ["context", "media_bus", "start", "view"]
