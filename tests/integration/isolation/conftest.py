"""The same fixtures as the data plane's tests."""

from tests.integration.persistence.conftest import bus, context, view

__all__ = ["bus", "context", "view"]
