"""Names that nothing in this repository calls, and why each is right all the same.

Read by vulture as ordinary code: a name mentioned here counts as used.
"""

from callfunnel.infra.batches import ContinuousBatchSubscriber, SettlingMiddleware
from gateway.serving import _Server

CALLED_BY_FASTSTREAM = (
    SettlingMiddleware.consume_scope,  # for every batch
    ContinuousBatchSubscriber._create_subscription,  # when a subscriber starts
)
CALLED_BY_UVICORN = (_Server.capture_signals,)  # around its whole life
