"""The same fixtures as the data plane's tests: features in this process, and the views."""

from tests.integration.persistence.conftest import bus, context, start, view

__all__ = ["bus", "context", "start", "view"]
