"""The demo tenant: what is there after the first start, so that a call can be placed at once."""

from __future__ import annotations

from typing import Final

from callfunnel.carrier.signature import SECRET_PATH
from callfunnel.domain.ids import TenantId

TENANT: Final = TenantId("demo")
NAME: Final = "Meadow Home Internet (demo)"
AGENT: Final = "home-internet"
NUMBER: Final = "+15550100001"
CALL_LIMIT: Final = 10
CARRIER: Final = SECRET_PATH
