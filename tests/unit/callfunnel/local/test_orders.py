"""Orders as files: what is asked is taken once, in order, and answered."""

import threading
from pathlib import Path

import pytest

from callfunnel.domain.errors import UserError
from callfunnel.local import orders
from callfunnel.local.home import folder as home
from callfunnel.local.home.folder import Home


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose `up` is this process, which is not woken by a signal."""
    place = Home(tmp_path)
    home.prepare(place)
    home.write_json(place.state, {"pid": 1})
    monkeypatch.setattr(orders.os, "kill", lambda *_: None)
    monkeypatch.setattr(orders, "is_running", lambda _: True)
    return place


def test_an_order_is_taken_once_and_its_answer_read_to_the_end(at: Home) -> None:
    heard: list[str] = []
    asking = threading.Thread(
        target=lambda: heard.extend(e["say"] for e in orders.give(at, "drain", ["media-1"]))
    )
    asking.start()
    while not (found := orders.take(at)):
        pass
    (order,) = found
    assert (order.do, order.places) == ("drain", ("media-1",))
    assert orders.take(at) == []
    answer = orders.Answer(at, order)
    answer.say("media-1 is told to leave", pid=7)
    answer.end()
    asking.join(10)
    assert heard == ["media-1 is told to leave"]
    assert not list(at.run.glob("answer-*"))


def test_an_order_that_fails_says_why(at: Home) -> None:
    def supervise() -> None:
        while not (found := orders.take(at)):
            pass
        orders.Answer(at, found[0]).end("there is no media-9")

    supervising = threading.Thread(target=supervise)
    supervising.start()
    with pytest.raises(UserError, match="there is no media-9"):
        list(orders.give(at, "roll", ["media-9"]))
    supervising.join(10)


def test_an_unreadable_order_is_put_away(at: Home) -> None:
    (at.run / "order-1.json").write_text("{nonsense")
    (at.run / "order-2.json").write_text('{"do": "drain"}')
    assert orders.take(at) == []
    assert not list(at.run.glob("order-*"))


def test_a_stack_that_stops_meanwhile_is_said(at: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "is_running", lambda _: False)
    with pytest.raises(UserError, match="stopped meanwhile"):
        list(orders.give(at, "roll", ["all"]))
