"""Calls placed through this gateway a moment ago, that no row tells of yet."""

from collections import OrderedDict
from collections.abc import Callable

from callfunnel.domain.ids import CallId, TenantId

_KEPT_S = 120.0
_MOST = 10_000


class Placed:
    """Remembers (tenant, call) for two minutes; `now` is a monotonic clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: OrderedDict[tuple[TenantId, CallId], float] = OrderedDict()

    def add(self, tenant: TenantId, call: CallId) -> None:
        """The call exists."""
        self._until[tenant, call] = self._now() + _KEPT_S
        if len(self._until) > _MOST:
            self._until.popitem(last=False)

    def has(self, tenant: TenantId, call: CallId) -> bool:
        """Whether it was placed here, lately, by that tenant."""
        return self._until.get((tenant, call), 0.0) > self._now()
