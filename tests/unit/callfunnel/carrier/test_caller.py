"""The scripted caller talks like a person: after the agent or over it, and hangs up at last."""

from callfunnel.carrier.caller import Caller, Manners, Press, Speak, Step, Turn, Wait

VOICE = b"\x22"
MANNERS = Manners(
    answer_after=200, patience=1_000, interrupt_after=100, hangup_after=600, longest=10_000
)


def conversation(*turns: Turn, agent: tuple[tuple[int, int], ...] = ()) -> dict[int, Step]:
    """Steps by time, until the hang-up; the agent speaks in the given spans of milliseconds."""
    caller, steps = Caller(turns, MANNERS, now=0), {}
    for now in range(0, 12_000, 20):
        steps[now] = caller.step(now, any(start <= now < end for start, end in agent))
        if steps[now].hang_up:
            break
    return steps


def spoken(steps: dict[int, Step]) -> list[int]:
    return [now for now, step in steps.items() if VOICE in step.audio]


def test_a_turn_waits_for_the_agent_to_finish() -> None:
    steps = conversation(Speak(VOICE * 320), agent=((0, 500),))
    assert spoken(steps) == [680, 700]


def test_an_agent_that_says_nothing_is_talked_to_in_the_end() -> None:
    assert spoken(conversation(Speak(VOICE * 160)))[0] == 1_000


def test_every_turn_waits_for_its_own_answer() -> None:
    steps = conversation(Speak(VOICE * 160), Speak(VOICE * 160), agent=((0, 100), (700, 900)))
    assert spoken(steps) == [280, 1_080]


def test_a_turn_over_the_agent_begins_while_it_speaks() -> None:
    steps = conversation(Speak(VOICE * 160, over=True), agent=((500, 3_000),))
    assert spoken(steps) == [600]


def test_digits_are_pressed_one_by_one() -> None:
    steps = conversation(Press("42"), agent=((0, 100),))
    assert [step.digit for step in steps.values() if step.digit] == ["4", "2"]


def test_a_wait_keeps_the_line_open_in_silence() -> None:
    steps = conversation(Wait(3_000), Speak(VOICE * 160), agent=((0, 100),))
    assert spoken(steps) == [3_000]


def test_the_caller_hangs_up_when_the_agent_has_nothing_more_to_say() -> None:
    steps = conversation(Speak(VOICE * 160), agent=((0, 100), (600, 1_000)))
    assert [now for now, step in steps.items() if step.hang_up] == [1_580]


def test_a_call_has_a_longest_time() -> None:
    steps = conversation(Speak(VOICE * 160, over=True))
    assert max(steps) == 10_000


def test_every_step_is_one_frame_of_20_ms() -> None:
    steps = conversation(Speak(VOICE * 200), agent=((0, 100),))
    assert {len(step.audio) for step in steps.values()} == {160}
