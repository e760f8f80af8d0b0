"""Features in a test: started and stopped as their host does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running(*features: Any) -> AsyncIterator[None]:
    """Features of one context."""
    context = features[0]._context
    for feature in features:
        await feature.start()
    await context.start()
    try:
        yield
    finally:
        await context.stop_buses()
        await context.close()
