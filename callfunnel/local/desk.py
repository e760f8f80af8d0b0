"""Carries out the orders of the command line, one after the other: see `orders` for their form."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from callfunnel.local import announce, orders
from callfunnel.local.home.folder import Home
from callfunnel.local.supervision.fleet import Fleet
from callfunnel.local.supervision.roll import Roll
from callfunnel.local.supervision.watch import Serving

_LOOK_S = 0.25
"""Between two looks at whether everything is ready: each asks every process."""


class Desk:
    """`serve` after every wake; it returns whether what runs has changed."""

    def __init__(self, home: Home, fleet: Fleet, all_ready: Callable[[], bool]) -> None:
        self._home = home
        self._fleet = fleet
        self._all_ready = all_ready
        self._waiting: deque[orders.Order] = deque()
        self._roll: tuple[Roll, orders.Answer] | None = None
        self._look_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether an order is being carried out."""
        return self._roll is not None

    def serve(self, now: float) -> bool:
        self._waiting.extend(orders.take(self._home))
        changed = False
        while self._waiting and self._roll is None:
            self._begin(self._waiting.popleft(), now)
            changed = True
        return self._go_on(now) or changed

    def _begin(self, order: orders.Order, now: float) -> None:
        answer = orders.Answer(self._home, order)
        known = self._fleet.places
        places = known if order.places == ("all",) else list(order.places)
        if unknown := [each for each in places if each not in known]:
            answer.end(f"there is no {unknown[0]}; there are: {', '.join(known)}")
        elif order.do in ("roll", "restart"):
            self._roll = (Roll(places, beside=order.do == "roll"), answer)
        elif order.do == "drain":
            why = [self._drain(each, answer, now) for each in places]
            answer.end("; ".join(filter(None, why)))
        else:
            answer.end(f"{order.do} is no order")

    def _drain(self, place: str, answer: orders.Answer, now: float) -> str:
        """Why it cannot be drained, or ""."""
        watch = self._fleet.in_office(place)
        if not watch.process.spools:
            return f"{place} has no calls to end"
        if not isinstance(watch.state, Serving):
            return f"{place} is {watch.word}"
        if not self._fleet.others_serve(place):
            answer.say(
                f"{place} was the only one: no new call is taken until `./cf restart {place}`"
            )
        name, pid, told_at = watch.process.name, watch.pid, time.monotonic()
        self._fleet.drain(place, now)
        answer.say(f"{name} is told to leave", process=name, pid=pid, told_at=told_at)
        announce.say(f"{watch.process.name} drains")
        return ""

    def _go_on(self, now: float) -> bool:
        if self._roll is None:
            return False
        roll, answer = self._roll
        news = roll.step(self._fleet, lambda: self._ready(now), now)
        if news:
            announce.say(news)
            answer.say(news)
        if roll.over:
            answer.end(roll.failure)
            self._roll = None
        return bool(news)

    def _ready(self, now: float) -> bool:
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_S
        return self._all_ready()
