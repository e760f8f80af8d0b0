"""Any order of any frames: the call ends once, its facts have no gap, and nothing raises."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.carrier.frames import Wire
from callfunnel.events.call import CallEnded
from tests.simulators import virtual_time
from tests.simulators.room import ACCOUNT, CARRIER_CALL, Told
from tests.simulators.sounds import tone
from tests.simulators.studio import Scene, raise_curtain

WIRE = Wire("MZ1", CARRIER_CALL, ACCOUNT)
START = WIRE.start({}).encode()
LOUD = WIRE.media(tone(20, 300)).encode()
GOOD = st.sampled_from(
    [
        WIRE.connected().encode(),
        START,
        WIRE.media(b"\xff" * 160).encode(),
        LOUD,
        LOUD,
        WIRE.media(tone(35, 300)).encode(),
        WIRE.dtmf("7").encode(),
        WIRE.mark("g0-1280").encode(),
        WIRE.mark("g9-99999999").encode(),
        WIRE.stop().encode(),
    ]
)
FRAME = st.tuples(st.just(False), GOOD) | st.tuples(st.booleans(), st.binary(max_size=40))
STEP = st.tuples(FRAME, st.integers(1, 40), st.sampled_from([0.0, 0.02, 0.02, 0.3, 4.0]))


async def abuse(steps: list[tuple[tuple[bool, bytes], int, float]]) -> Told:
    stage = raise_curtain(Scene())
    stage.session.on_frame(False, START)
    for (binary, data), times, pause_s in steps:
        for _ in range(times):
            stage.session.on_frame(binary, data)
            await asyncio.sleep(min(pause_s, 0.02))
        await asyncio.sleep(pause_s)
    stage.session.on_closed()
    async with asyncio.timeout(60):
        await stage.session.done
    stage.session.on_frame(False, LOUD)
    stage.session.on_closed()
    return stage.told


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_any_order_of_any_frames_ends_in_one_whole_call(
    steps: list[tuple[tuple[bool, bytes], int, float]],
) -> None:
    told = virtual_time.run(abuse(steps))
    assert len(told.facts(CallEnded)) == 1
    numbers = [each.envelope.seq for each in told.events if each.envelope.seq is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    assert isinstance(told.facts()[-1], CallEnded)
    caller, agent = told.recording()
    assert len(caller) == len(agent)
    assert told.end.segments == len([each for each in told.subjects if ".audio." in each])
