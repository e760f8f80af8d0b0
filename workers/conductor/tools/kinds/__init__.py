"""The kinds of tools: a rule book's tool names one by `kind`. To add one: a file and a line here.

A kind is a pure function of what it was asked: its result is what the agent is told, and the row
that keeps the result is its effect. It raises `Refused` when it cannot do what it was asked. The
schema of its settings is checked when a rule book is published.
"""

from typing import Final

from workers.conductor.tools.kinds import callback, lookup, offer, transfer
from workers.conductor.tools.rules import Kind

KINDS: Final[dict[str, Kind]] = {
    "customer_lookup": Kind(lookup.run, lookup.SETTINGS),
    "offer": Kind(offer.run, offer.SETTINGS),
    "callback": Kind(callback.run, callback.SETTINGS, dials=("number",)),
    "transfer": Kind(transfer.run, transfer.SETTINGS, dials=("transfer",)),
}
