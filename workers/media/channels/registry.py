"""Which carriers there are. A new one: its module, and its line here."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from callfunnel.carrier.signature import SECRET_PATH, is_signed
from callfunnel.domain.call import CallSpec, Channel
from workers.media.channels.browser import Browser
from workers.media.channels.dialect import Dialect
from workers.media.channels.twilio import Twilio


class Signing(Struct, frozen=True):
    """How a carrier proves that a media socket is its own.

    `secret_path` and `secret_field` say where a tenant's secret lies; `is_right(secret, url,
    given)` whether the header `header` of the upgrade to `url` is signed with it.
    """

    secret_path: str
    secret_field: str
    header: str
    is_right: Callable[[str, str, str], bool]


class Carrier(Struct, frozen=True):
    """One kind of line; `signing` None: the token in the path is the only proof there is."""

    dialect: Callable[[CallSpec], Dialect]
    signing: Signing | None = None


CHANNELS: Final[Mapping[Channel, Carrier]] = {
    Channel.TWILIO: Carrier(
        Twilio, Signing(SECRET_PATH, "auth_token", "X-Twilio-Signature", is_signed)
    ),
    Channel.BROWSER: Carrier(Browser),
}
