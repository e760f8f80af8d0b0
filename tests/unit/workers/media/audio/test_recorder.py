"""Where each side of the recording lies."""

from callfunnel.events.audio import AudioSegment
from workers.media.audio.recorder import LAG, SEGMENT_MS, Recorder

CALLER, AGENT, SILENT = b"\x11" * 160, b"\x22" * 160, b"\xff" * 160


class Tape:
    def __init__(self) -> None:
        self.segments: list[AudioSegment] = []
        self.recorder = Recorder(100.0, self.segments.append)

    def sides(self) -> tuple[bytes, bytes]:
        return (
            b"".join(each.caller for each in self.segments),
            b"".join(each.agent for each in self.segments),
        )

    def hear(self, frames: int, begin: int = 0) -> None:
        for n in range(begin, begin + frames):
            self.recorder.caller(CALLER, 100.0 + n * 0.02)


def test_both_sides_are_as_long_as_the_call() -> None:
    tape = Tape()
    tape.hear(125)
    tape.recorder.finish(100.0 + 125 * 0.02)
    caller, agent = tape.sides()
    assert len(caller) == len(agent) == 125 * 160
    assert caller == CALLER * 125
    assert agent == SILENT * 125


def test_segments_are_numbered_and_say_where_they_begin() -> None:
    tape = Tape()
    tape.hear(200)
    tape.recorder.finish(100.0 + 4.0)
    assert [each.n for each in tape.segments] == [0, 1, 2, 3]
    assert [each.start for each in tape.segments] == [n * SEGMENT_MS * 8 for n in range(4)]


def test_a_segment_leaves_soon_after_it_is_complete() -> None:
    tape = Tape()
    tape.hear(50 + LAG)
    assert tape.segments == []
    tape.hear(1, 50 + LAG)
    assert len(tape.segments) == 1


def test_the_agent_lies_where_it_is_played() -> None:
    tape = Tape()
    tape.recorder.agent(AGENT, 100.5)
    tape.recorder.finish(101.0)
    _, agent = tape.sides()
    assert agent == SILENT * 25 + AGENT + SILENT * 24


def test_what_the_carrier_dropped_is_not_in_the_recording() -> None:
    tape = Tape()
    for n in range(6):
        tape.recorder.agent(AGENT, 100.5 + n * 0.02)
    tape.recorder.cut(100.54)
    tape.recorder.finish(101.0)
    _, agent = tape.sides()
    assert agent == SILENT * 25 + AGENT * 2 + SILENT * 23


def test_a_burst_after_a_stall_keeps_its_order_and_its_place() -> None:
    tape = Tape()
    tape.hear(10)
    for _ in range(20):
        tape.recorder.caller(CALLER, 100.0 + 30 * 0.02)
    tape.recorder.finish(100.6)
    caller, _ = tape.sides()
    assert caller == CALLER * 30


def test_a_carrier_that_sends_too_much_or_nothing_does_not_shift_the_recording() -> None:
    tape = Tape()
    for _ in range(200):
        tape.recorder.caller(CALLER, 100.0)
    tape.recorder.caller(CALLER, 110.0)
    tape.recorder.finish(110.0)
    caller, _ = tape.sides()
    assert len(caller) == 500 * 160
    assert caller[: (LAG + 1) * 160] == CALLER * (LAG + 1)
    assert caller[(LAG + 2) * 160 : 400 * 160].strip(b"\xff") == b""


def test_a_call_of_no_length_has_no_segment() -> None:
    tape = Tape()
    tape.recorder.finish(100.0)
    assert tape.segments == []


def test_an_agent_who_talks_to_a_silent_carrier_is_recorded_and_fills_no_memory() -> None:
    tape = Tape()
    for n in range(3000):
        tape.recorder.agent(AGENT, 100.0 + n * 0.02)
        assert len(tape.recorder._agent) <= 3 * (50 + LAG) * 160
    tape.recorder.finish(160.0)
    caller, agent = tape.sides()
    assert agent == AGENT * 3000
    assert caller == SILENT * 3000
