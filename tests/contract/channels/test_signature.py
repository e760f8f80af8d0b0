"""The upgrade's signature, held against the carrier's own package."""

import asyncio
from http import HTTPStatus
from typing import Any

import picows
import pytest
from multidict import CIMultiDict
from twilio.request_validator import RequestValidator

from callfunnel.carrier.signature import media_url, signature
from callfunnel.domain.call import Channel
from callfunnel.domain.rulebook import PublishedRulebook
from tests.simulators.room import AUTH_TOKEN, TOKEN, WORKER, rulebook, spec
from workers.media.server import CarrierSocket, Door
from workers.media.session import Session
from workers.media.slots import Reservation, Slots

PUBLIC = "https://phone.example.com"
PATH = f"/media/{WORKER}/{TOKEN}"
SIGNED_URL = f"wss://phone.example.com{PATH}"


def test_the_carriers_package_agrees_with_our_signature() -> None:
    assert media_url(PUBLIC, PATH) == SIGNED_URL
    ours = signature(AUTH_TOKEN, SIGNED_URL)
    assert RequestValidator(AUTH_TOKEN).validate(SIGNED_URL, {}, ours)
    assert ours == RequestValidator(AUTH_TOKEN).compute_signature(SIGNED_URL, {})


def never(_reservation: Reservation, _socket: CarrierSocket) -> Session:
    raise AssertionError("nobody connects in this test")


def knock(door: Door, path: str, given: str) -> Any:
    request = picows.WSUpgradeRequest()
    request.method, request.version, request.path = b"GET", b"HTTP/1.1", path.encode()
    request.headers = CIMultiDict({"x-twilio-signature": given} if given else {})
    return door.admit(request)


@pytest.fixture
async def slots() -> Slots:
    held = Slots(2)
    book = PublishedRulebook(version=1, digest="d", published_at="", rulebook=rulebook())
    later = asyncio.get_running_loop().time() + 30
    held.reserve(
        Reservation(spec=spec(), rulebook=book, epoch=1, secret=AUTH_TOKEN, expires=later), TOKEN
    )
    return held


@pytest.mark.parametrize(
    "url", [SIGNED_URL, f"wss://phone.example.com:443{PATH}"], ids=["as told", "with its port"]
)
async def test_the_door_opens_to_the_packages_signature(slots: Slots, url: str) -> None:
    given = RequestValidator(AUTH_TOKEN).compute_signature(url, {})
    assert isinstance(knock(Door(WORKER, PUBLIC, slots, never), PATH, given), CarrierSocket)


@pytest.mark.parametrize(
    ("path", "url", "key"),
    [
        (PATH, SIGNED_URL, "another key"),
        (PATH, f"https://phone.example.com{PATH}", AUTH_TOKEN),
        (PATH, SIGNED_URL + "/", AUTH_TOKEN),
        (PATH + "/", SIGNED_URL + "/", AUTH_TOKEN),
        (f"/media/other/{TOKEN}", f"wss://phone.example.com/media/other/{TOKEN}", AUTH_TOKEN),
        (f"/media/{WORKER}/", f"wss://phone.example.com/media/{WORKER}/", AUTH_TOKEN),
        (f"/media/{WORKER}/token-2", f"wss://phone.example.com/media/{WORKER}/token-2", AUTH_TOKEN),
    ],
)
async def test_the_door_stays_shut_and_does_not_say_why(
    slots: Slots, path: str, url: str, key: str
) -> None:
    door = Door(WORKER, PUBLIC, slots, never)
    answer = knock(door, path, signature(key, url))
    assert answer.response.status is HTTPStatus.FORBIDDEN
    assert not answer.response.body
    assert knock(door, path, "").response.status is HTTPStatus.FORBIDDEN
    assert door.refused == 2


async def test_a_refused_upgrade_does_not_use_the_token_up(slots: Slots) -> None:
    door = Door(WORKER, PUBLIC, slots, never)
    knock(door, PATH, "forged")
    right = signature(AUTH_TOKEN, SIGNED_URL)
    assert isinstance(knock(door, PATH, right), CarrierSocket)
    assert knock(door, PATH, right).response.status is HTTPStatus.FORBIDDEN


async def test_the_browser_needs_no_signature(slots: Slots) -> None:
    held = Slots(1)
    book = PublishedRulebook(version=1, digest="d", published_at="", rulebook=rulebook())
    later = asyncio.get_running_loop().time() + 30
    page = spec(channel=Channel.BROWSER)
    held.reserve(Reservation(spec=page, rulebook=book, epoch=1, secret="", expires=later), TOKEN)
    assert isinstance(knock(Door(WORKER, PUBLIC, held, never), PATH, ""), CarrierSocket)
