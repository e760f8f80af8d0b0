"""Media sockets that come, or go, many at the same moment."""

import asyncio
from collections import Counter
from typing import Any, cast

from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.infra.turns import Turnstile
from tests.simulators import virtual_time
from tests.simulators.room import rulebook, spec
from workers.media.server import CarrierSocket
from workers.media.session import Session
from workers.media.slots import Reservation

MANY = 50


class Transport:
    """A connection that only says whether it is read."""

    def __init__(self) -> None:
        self.underlying_transport = self
        self.read = True

    def set_write_buffer_limits(self, high: int) -> None: ...

    def get_extra_info(self, _name: str) -> None: ...

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.read = False

    def resume_reading(self) -> None:
        self.read = True


class House:
    """Counts the sessions that begin and end in each turn of the loop."""

    def __init__(self) -> None:
        self.turnstile = Turnstile()
        self.began: Counter[int] = Counter()
        self.ended: Counter[int] = Counter()
        self.transports: list[Transport] = []

    def begin(self) -> None:
        self.began[virtual_time.turn()] += 1

    def on_closed(self) -> None:
        self.ended[virtual_time.turn()] += 1

    def come(self) -> list[CarrierSocket]:
        """Many sockets in one turn."""
        book = PublishedRulebook(version=3, digest="", published_at="", rulebook=rulebook())
        held = Reservation(spec=spec(), rulebook=book, epoch=7, secret="", expires=0.0)
        session = cast(Session, self)
        sockets = [CarrierSocket(held, lambda *_: session, self.turnstile) for _ in range(MANY)]
        self.transports = [Transport() for _ in sockets]
        for socket, transport in zip(sockets, self.transports, strict=True):
            socket.on_ws_connected(transport)
        return sockets


def go(sockets: list[CarrierSocket]) -> None:
    """All are gone, in one turn."""
    gone: Any = None
    for socket in sockets:
        socket.on_ws_disconnected(gone)


def test_of_many_sockets_that_come_at_once_a_few_begin_their_calls_in_each_turn() -> None:
    async def scenario() -> House:
        house = House()
        house.come()
        unread = [each for each in house.transports if not each.read]
        assert len(unread) == MANY - 2
        await asyncio.sleep(1)
        return house

    house = virtual_time.run(scenario())
    assert house.began.total() == MANY
    assert max(house.began.values()) == 2
    assert all(each.read for each in house.transports)


def test_of_many_sockets_that_go_at_once_a_few_end_their_calls_in_each_turn() -> None:
    async def scenario() -> House:
        house = House()
        sockets = house.come()
        await asyncio.sleep(1)
        go(sockets)
        await asyncio.sleep(1)
        return house

    house = virtual_time.run(scenario())
    assert house.ended.total() == MANY
    assert max(house.ended.values()) == 2


def test_a_socket_that_is_gone_before_its_turn_is_a_call_that_begins_and_ends() -> None:
    async def scenario() -> House:
        house = House()
        go(house.come())
        await asyncio.sleep(1)
        return house

    house = virtual_time.run(scenario())
    assert house.began.total() == house.ended.total() == MANY
    assert max(house.began.values()) == 2
