"""What a call that is over leaves behind: no task, no timer, no object."""

import asyncio
import gc
import weakref

from callfunnel.carrier.caller import Speak, Wait
from tests.simulators import virtual_time
from tests.simulators.openai_realtime import Manners, Script
from tests.simulators.room import ACCOUNT, AUTH_TOKEN, CARRIER_CALL
from tests.simulators.sounds import tone
from tests.simulators.studio import QUICK, Scene, raise_curtain
from tests.simulators.twilio_peer import Hostility, Leg, Outcome, Peer
from workers.media.session import Session


async def _over(scene: Scene) -> "weakref.ref[Session]":
    stage = raise_curtain(scene)
    peer = Peer("", CARRIER_CALL, ACCOUNT, AUTH_TOKEN, scene.turns, QUICK, scene.hostility)
    await Leg(peer, stage.socket, Outcome()).run()
    await stage.session.done
    await asyncio.sleep(0.1)
    return weakref.ref(stage.session)


async def _left(scene: Scene) -> tuple[int, bool]:
    """Tasks besides this one, and whether the session is still referred to."""
    session = await _over(scene)
    tasks = len(asyncio.all_tasks()) - 1
    # The longest timer of a call, cancelled or not, has come by then.
    await asyncio.sleep(3_600)
    gc.collect()
    return tasks, session() is not None


def test_a_call_leaves_nothing_behind() -> None:
    assert virtual_time.run(_left(Scene(turns=[Speak(tone(700, 400))]))) == (0, False)


def test_a_call_cut_off_in_the_middle_leaves_nothing_behind() -> None:
    cut = Scene(turns=[Wait(20_000)], hostility=Hostility(abort_at=60))
    assert virtual_time.run(_left(cut)) == (0, False)


def test_a_call_whose_model_never_came_leaves_nothing_behind() -> None:
    silent = Scene(Script(manners=Manners(silent=True)), turns=[Wait(20_000)])
    assert virtual_time.run(_left(silent)) == (0, False)
