"""Which carriers there are. A new one: its module, and its line here."""

from collections.abc import Callable, Mapping
from typing import Final

from callfunnel.domain.call import CallSpec, Channel
from workers.media.channels.browser import Browser
from workers.media.channels.dialect import Dialect
from workers.media.channels.twilio import Twilio

CHANNELS: Final[Mapping[Channel, Callable[[CallSpec], Dialect]]] = {
    Channel.TWILIO: Twilio,
    Channel.BROWSER: Browser,
}
