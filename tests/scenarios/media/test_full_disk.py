"""The worker's disk is full while people talk: they hear nothing, and what matters is told."""

import asyncio
from typing import Any

from callfunnel.carrier.caller import Speak
from callfunnel.domain.call import EndedBy
from callfunnel.domain.errors import Temporary
from callfunnel.events.call import CallerSpoke
from tests.simulators import virtual_time
from tests.simulators.room import Told
from tests.simulators.sounds import tone
from tests.simulators.studio import Scene, play, raise_curtain

FULL_S = 30.0


class FullDisk(Told):
    """Refuses everything from `since` on for half a minute."""

    def __init__(self, since: float) -> None:
        super().__init__()
        self.since = since
        self.attempts = 0

    def emit(self, *args: Any, **more: Any) -> None:
        now = asyncio.get_running_loop().time() - 1000  # where virtual time begins
        if self.since <= now < self.since + FULL_S:
            self.attempts += 1
            raise Temporary("the disk does not take it")
        super().emit(*args, **more)


def test_facts_and_usage_are_told_once_the_disk_takes_them_and_the_end_says_what_is_gone() -> None:
    told = FullDisk(since=2.0)
    play(Scene(turns=[Speak(tone(900, 400))], told=told))
    assert told.attempts > 0
    numbers = [each.envelope.seq for each in told.events if each.envelope.seq is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    assert told.facts(CallerSpoke)
    assert told.usage()["call.ms"] == told.end.duration_ms
    whole = -(-told.end.duration_ms // 1000)
    assert told.end.segments + told.end.refused_segments == whole
    assert told.end.refused_segments > 0


def test_the_caller_is_let_go_while_the_end_waits_for_the_disk() -> None:
    async def scenario() -> tuple[float, bool, Told]:
        told = FullDisk(since=0.5)
        stage = raise_curtain(Scene(told=told))
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1)
        stage.session.hang_up("an operator")
        asked = loop.time()
        await stage.socket.wait_closed()
        let_go_s, waits = loop.time() - asked, not stage.session.done.done()
        await stage.session.done
        return let_go_s, waits, told

    let_go_s, waits, told = virtual_time.run(scenario())
    assert let_go_s < 5
    assert waits
    assert told.end.by is EndedBy.OPERATOR
