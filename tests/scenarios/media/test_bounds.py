"""What a call holds in memory has a bound, whatever its model sends."""

import asyncio

from callfunnel.carrier.frames import Wire
from tests.simulators import virtual_time
from tests.simulators.room import ACCOUNT, CARRIER_CALL
from tests.simulators.studio import Scene, raise_curtain
from tests.simulators.waiting import until
from workers.media.audio.playout import MOST_WAITING

START = Wire("MZ" + "0" * 32, CARRIER_CALL, ACCOUNT).start({}).encode()
MINUTE = b"\x55" * 60 * 8000


def test_a_model_that_sends_hours_of_audio_at_once_has_ten_minutes_of_it_kept() -> None:
    async def scenario() -> tuple[int, int]:
        session = raise_curtain(Scene()).session
        session.on_frame(False, START)
        playback = session._call.playback
        await until(lambda: bool(playback._open), "the greeting begins")
        (greeting,) = playback._open
        for _ in range(120):
            session.on_model_audio(greeting, "item", MINUTE)
        kept, dropped = session._out._playout.waiting, playback.dropped
        session.on_closed()
        async with asyncio.timeout(60):
            await session.done
        return kept, dropped

    kept, dropped = virtual_time.run(scenario())
    assert MOST_WAITING - 60 * 8000 <= kept <= MOST_WAITING
    assert dropped >= 110
