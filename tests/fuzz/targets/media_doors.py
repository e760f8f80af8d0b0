"""The upgrade of a media socket: its path, then its signature; a token opens the door once."""

from callfunnel.carrier.signature import media_url, signature
from callfunnel.domain.call import Channel
from callfunnel.domain.rulebook import PublishedRulebook
from tests.fuzz.target import Target
from tests.simulators.room import AUTH_TOKEN, TOKEN, WORKER, rulebook, spec
from workers.media.server import Door
from workers.media.session import Session
from workers.media.slots import Reservation, Slots

_URL = "http://127.0.0.1:8080"
_BOOK = PublishedRulebook(version=1, digest="", published_at="", rulebook=rulebook())
_GOOD = f"/media/{WORKER}/{TOKEN}"


def check(data: bytes) -> None:
    path, _, given = data.partition(b"\n")
    for channel in Channel:
        slots = Slots(1)
        held = Reservation(
            spec=spec(channel=channel), rulebook=_BOOK, epoch=1, secret=AUTH_TOKEN, expires=1.0
        )
        slots.reserve(held, TOKEN)
        door = Door(WORKER, _URL, slots, unused)
        signed = {"X-Twilio-Signature": given.decode("ascii", "surrogateescape")}
        found = door.claim(path, signed, 0.0)
        assert found is None or found is held
        assert (found is not None) == (slots.live == 1)
        if found is not None:
            assert path.partition(b"?")[0] == _GOOD.encode()
            assert door.claim(path, signed, 0.0) is None


def unused(*_: object) -> Session:
    raise AssertionError("nobody connects")


TARGET = Target(
    check=check,
    seeds=(
        f"{_GOOD}\n{signature(AUTH_TOKEN, media_url(_URL, _GOOD))}".encode(),
        f"{_GOOD}?a=b\n".encode(),
        b"/media/media-2/token-1\n",
    ),
    tokens=("/media/", str(WORKER), TOKEN, "?", "%2f", "//"),
    most_bytes=512,
)
