"""What the caller does is written in words, in the order of the line."""

from pathlib import Path

import pytest

from callfunnel.carrier.caller import Press, Speak, Wait
from callfunnel.cli import script
from callfunnel.domain.errors import UserError


@pytest.fixture(autouse=True)
def quick_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "_spoken", lambda text: text.encode())


def test_items_keep_their_order_and_sentences_come_last() -> None:
    turns = script.turns(["say:hello", "3s", "key:42#", "over:say:stop", "250ms"], ["bye"])
    assert turns == [
        Speak(b"hello"),
        Wait(3_000),
        Press("42#"),
        Speak(b"stop", over=True),
        Wait(250),
        Speak(b"bye"),
    ]


@pytest.mark.parametrize("item", ["key:", "key:hello", "key:" + "1" * 33])
def test_keys_that_no_phone_has_are_refused(item: str) -> None:
    with pytest.raises(UserError, match="keys"):
        script.turns([item], [])


def test_nothing_to_say_is_a_mistake() -> None:
    with pytest.raises(UserError, match="nothing to say"):
        script.turns([], [])


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        script.turns([str(tmp_path / "a.wav")], [])
