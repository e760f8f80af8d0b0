"""Which tenant a carrier's account belongs to, and the token it signs with.

The token comes from the tenant's secrets and nowhere else. A webhook for a known number names its
tenant by that number; for an unknown one the account is looked for among all tenants, which is
slow, so its answer is remembered longer.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from callfunnel.carrier.signature import SECRET_PATH
from callfunnel.domain.ids import TenantId
from gateway.remembered import Remembered

_KEPT_S = 30.0
_MOST = 10_000
_MOST_SHARED = 8


class SecretReader(Protocol):
    """The reading half of the secret store; raises LookupError for what is not there."""

    async def get(self, tenant: TenantId, path: str) -> dict[str, str]: ...


@dataclass(frozen=True)
class Account:
    """A carrier's account of one tenant."""

    tenant: TenantId
    sid: str
    auth_token: str = field(repr=False)


class Accounts:
    """Accounts by tenant and by their id at the carrier."""

    def __init__(
        self,
        secrets: SecretReader,
        tenants: Callable[[], Awaitable[list[TenantId]]],
        now: Callable[[], float],
    ) -> None:
        self._secrets = secrets
        self._tenants = tenants
        self._known: OrderedDict[str, tuple[TenantId, ...]] = OrderedDict()
        self._by_tenant = Remembered(self._read, seconds=_KEPT_S, most=_MOST, now=now)
        self._all = Remembered(self._read_all, seconds=2 * _KEPT_S, most=1, now=now)

    async def of_tenant(self, tenant: TenantId) -> Account | None:
        """The tenant's account, or None when it has none at this carrier."""
        return await self._by_tenant.get(tenant)

    async def with_sid(self, sid: str) -> Account | None:
        """The account the carrier calls `sid`, whoever's it is."""
        return (await self._all.get(None)).get(sid)

    async def known_as(self, sid: str) -> list[Account]:
        """The accounts called `sid` that have signed before (`know`); asks no database."""
        found = [await self._by_tenant.get(tenant) for tenant in self._known.get(sid, ())]
        return [account for account in found if account is not None and account.sid == sid]

    def know(self, account: Account) -> None:
        """It has signed. The account that did so the longest ago is forgotten first."""
        tenants = self._known.pop(account.sid, ())
        if account.tenant not in tenants:
            tenants = (account.tenant, *tenants)[:_MOST_SHARED]
        self._known[account.sid] = tenants
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    async def _read(self, tenant: TenantId) -> Account | None:
        try:
            secret = await self._secrets.get(tenant, SECRET_PATH)
            return Account(tenant, secret["account_sid"], secret["auth_token"])
        except LookupError:
            return None

    async def _read_all(self, _: None) -> dict[str, Account]:
        found = [await self._by_tenant.get(tenant) for tenant in await self._tenants()]
        return {account.sid: account for account in found if account is not None}
