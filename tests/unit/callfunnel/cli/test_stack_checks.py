"""What the doctor makes of what the running stack says."""

from callfunnel.cli.stack_checks import doings, found_of, told_of

BOOK = {"agent": "home-internet", "version": 3, "file": "/somewhere/book.yaml", "problems": []}


def test_rule_books_that_are_in_use_are_named_with_their_version() -> None:
    assert (told_of([BOOK]).verdict, told_of([BOOK]).detail) == ("ok", "home-internet 3")


def test_an_edit_that_was_not_taken_is_told_with_its_line() -> None:
    found = told_of([BOOK | {"problems": [{"line": 26, "what": "no such field"}]}])
    assert found.verdict == "warn"
    assert found.detail == "/somewhere/book.yaml line 26: no such field"
    assert "version 3 stays" in found.fix


def test_what_drains_was_drained_or_started_again_is_told() -> None:
    state = {
        "processes": [
            {"name": "media-1-b", "state": "serving", "restarts": 2},
            {"name": "media-1", "state": "leaving", "restarts": 0},
        ],
        "stopped": ["media-2"],
    }
    assert "; ".join(doings(state)) == (
        "2 running; media-1 ends its calls; media-2 was drained; started again: media-1-b 2x"
    )


def test_what_was_drained_is_warned_of_with_the_command_that_brings_it_back() -> None:
    serving = [{"name": "gateway", "state": "serving", "restarts": 0}]
    found = found_of({"processes": serving, "stopped": ["media-1", "media-2"]})
    assert (found.verdict, found.detail) == (
        "warn", "1 running; media-1 was drained; media-2 was drained",
    )  # fmt: skip
    assert "`./cf restart media-1 media-2`" in found.fix
    assert found_of({"processes": serving, "stopped": []}).verdict == "ok"
