"""Is the gateway alive, and can it take a call: without any tenant's data."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from callfunnel.domain.errors import Permanent, Temporary

Check = Callable[[], Awaitable[bool]]
_WAIT_S = 2.0


class Health:
    """Named checks of what the gateway stands on; each answers, or it counts as down."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    async def ready(self) -> dict[str, bool]:
        """Every check by name."""
        results = await asyncio.gather(*(_passes(check) for check in self._checks.values()))
        return dict(zip(self._checks, results, strict=True))


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(_WAIT_S):
            return await check()
    except (Temporary, Permanent, TimeoutError, OSError):
        return False
