"""Nobody speaks faster than time goes by."""

from workers.media.inbound import Inbound
from workers.media.pace import AUDIO_AHEAD, AUDIO_PER_S, KEYS_AHEAD, KEYS_PER_S, SAVED_S, Pace


def test_a_call_of_an_hour_keeps_the_pace_also_after_a_network_that_stood_still() -> None:
    pace = Pace(AUDIO_PER_S, AUDIO_AHEAD)
    hour = (frame * 0.02 for frame in range(180_000))
    assert all(pace.keeps(160, now if now < 60 or now > 90 else 90.0) for now in hour)


def test_audio_faster_than_real_time_is_found_out() -> None:
    pace = Pace(AUDIO_PER_S, AUDIO_AHEAD)
    kept = [pace.keeps(160, frame * 0.0001) for frame in range(1000)]
    assert 500 <= kept.index(False) <= 505


async def test_a_flood_is_a_broken_carrier_and_none_of_it_is_forwarded_or_kept() -> None:
    told: list[object] = []
    forwarded: list[bytes] = []
    caller = Inbound(lambda _, ulaw: forwarded.append(ulaw), told.append)
    caller.forward = True
    for _ in range(5000):
        caller.hear(b"", b"\xff" * 160)
    assert len(forwarded) < 1000
    assert "media faster than real time" in str(told[0])


async def test_a_flood_of_keys_is_no_flood_of_facts() -> None:
    told: list[object] = []
    caller = Inbound(lambda *_: None, told.append)
    for _ in range(5 * KEYS_AHEAD):
        caller.key("1")
    assert sum("KeyPressed" in str(each) for each in told) <= KEYS_AHEAD + KEYS_PER_S
    assert "too many keys" in str(told[-1])


def test_who_was_quiet_for_an_hour_may_not_send_an_hour_at_once() -> None:
    pace = Pace(AUDIO_PER_S, AUDIO_AHEAD)
    assert pace.keeps(160, 0.0)
    late = [pace.keeps(160, 3600.0) for _ in range(180_000)]
    assert late.index(False) <= (AUDIO_AHEAD + SAVED_S * AUDIO_PER_S) / 160
