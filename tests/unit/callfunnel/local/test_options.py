from pathlib import Path

import pytest

from callfunnel.domain.errors import UserError
from callfunnel.local.arguments import options_from
from callfunnel.local.home.folder import Home, home_from
from callfunnel.local.options import UpOptions, checked

HOME = Home(Path("/somewhere"))


def test_a_bought_model_needs_its_key_before_anything_starts() -> None:
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        checked(UpOptions(home=HOME, model="openai"), {})
    checked(UpOptions(home=HOME, model="openai"), {"OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(
    "options",
    [
        UpOptions(home=HOME, port=70_000),
        UpOptions(home=HOME, port=-1),
        UpOptions(home=HOME, model="psychic"),
        UpOptions(home=HOME, ready_file=Path("/no/such/folder/ready.json")),
    ],
)
def test_what_cannot_work_is_said_before_anything_starts(options: UpOptions) -> None:
    with pytest.raises(UserError):
        checked(options, {})


@pytest.mark.parametrize("address", ["phone.example.com", "https://a/b", "ht!tp://x y"])
def test_an_address_that_no_carrier_can_be_told_is_said_before_anything_starts(
    address: str,
) -> None:
    with pytest.raises(UserError, match="CALLFUNNEL_PUBLIC_URL"):
        checked(UpOptions(home=HOME), {"CALLFUNNEL_PUBLIC_URL": address})


def test_an_unknown_model_is_one_clear_line_and_no_usage_text() -> None:
    with pytest.raises(UserError, match="--model psychic is unknown; use demo or openai"):
        checked(options_from(["--home", "/somewhere", "--model", "psychic"]), {})


def test_the_home_is_the_option_then_the_variable_then_the_users_own() -> None:
    assert home_from("/a", {"CALLFUNNEL_HOME": "/b"}).root == Path("/a")
    assert home_from(None, {"CALLFUNNEL_HOME": "/b"}).root == Path("/b")
    assert home_from(None, {}).root == Path("~/.callfunnel").expanduser()
