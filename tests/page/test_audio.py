"""What the browser's audio modules do to a sound, in the browser they run in."""

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUBS = """
globalThis.sent = [];
globalThis.AudioWorkletProcessor = class {
  constructor() { this.port = { postMessage: (message) => globalThis.sent.push(message) }; }
};
globalThis.registerProcessor = (name, made) => { globalThis[name] = made; };
globalThis.sampleRate = 48000;
"""
PLAYBACK = """async () => {
  await import("/console/audio/playback-worklet.js");
  const { encode } = await import("/console/audio/ulaw.js");
  const player = new globalThis.playback();
  const block = () => {
    const out = new Float32Array(128);
    player.process([], [[out]]);
    return Math.max(...out.map(Math.abs));
  };
  const tone = (ms) => Uint8Array.from({ length: ms * 8 },
    (_, i) => encode(0.5 * Math.sin(2 * Math.PI * 400 * i / 8000)));
  const tell = (message) => player.port.onmessage({ data: message });
  const blocks = (ms) => Array.from({ length: Math.ceil(ms * 48 / 128) }, block);
  const played = () => globalThis.sent.filter((m) => m.played !== undefined).map((m) => m.played);
  return (%s)({ block, tone, tell, blocks, played });
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, console_url: str) -> AsyncIterator[Page]:
    page = await browser.new_page()
    await page.add_init_script(STUBS)
    await page.goto(f"{console_url}/mark.svg")
    yield page
    await page.close()


async def playback(page: Page, script: str) -> Any:
    return await page.evaluate(PLAYBACK % script)


async def level(page: Page, hertz: int, source: int, target: int) -> float:
    """The amplitude of a tone of amplitude 1 after resampling."""
    script = """async ([hertz, source, target]) => {
      const { Resampler } = await import("/console/audio/resample.js");
      const resampler = new Resampler(source, target);
      const out = [];
      for (let start = 0; start < source; start += 128) {
        const block = Float32Array.from({ length: 128 },
          (_, i) => Math.sin(2 * Math.PI * hertz * (start + i) / source));
        out.push(...resampler.process(block));
      }
      const middle = out.slice(out.length / 4, out.length * 3 / 4);
      const power = middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length;
      return [Math.sqrt(2 * power), out.length];
    }"""
    amplitude, length = await page.evaluate(script, [hertz, source, target])
    assert abs(length - target) < target / 50
    return float(amplitude)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 16_000])
async def test_speech_passes_and_what_would_fold_into_it_does_not(page: Page, rate: int) -> None:
    for hertz in (200, 1000, 3000):
        assert math.isclose(await level(page, hertz, rate, 8000), 1, rel_tol=0.03)
    for hertz in (5000, 7000):
        assert await level(page, hertz, rate, 8000) < 0.01


@pytest.mark.parametrize("rate", [44_100, 48_000])
async def test_the_agents_voice_keeps_its_level(page: Page, rate: int) -> None:
    for hertz in (200, 1000, 3000):
        assert math.isclose(await level(page, hertz, 8000, rate), 1, rel_tol=0.03)


async def test_ulaw_is_the_standards(page: Page) -> None:
    script = """async () => {
      const { encode, decode } = await import("/console/audio/ulaw.js");
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const samples = decode(all);
      return { again: Array.from(samples, encode), loud: [encode(1), encode(-1)],
               values: [0x00, 0x80, 0xff, 0x7f].map((byte) => samples[byte] * 32768) };
    }"""
    done = await page.evaluate(script)
    both_zeros = {0x7F: 0xFF}
    assert done["again"] == [both_zeros.get(byte, byte) for byte in range(256)]
    assert done["values"] == [-32124, 32124, 0, 0]
    assert done["loud"] == [0x80, 0x00]


async def test_marks_come_back_when_what_is_before_them_was_played(page: Page) -> None:
    script = """({ tone, tell, blocks, played }) => {
      tell({ audio: tone(200) });
      tell({ mark: "one" });
      tell({ audio: tone(100) });
      tell({ mark: "two" });
      blocks(150);
      const early = played();
      blocks(100);
      const middle = played();
      blocks(200);
      return [early, middle, played()];
    }"""
    assert await playback(page, script) == [[], ["one"], ["one", "two"]]


async def test_clear_drops_what_was_not_played_and_its_marks(page: Page) -> None:
    script = """({ tone, tell, blocks, played }) => {
      tell({ audio: tone(500) });
      tell({ mark: "gone" });
      const loud = Math.max(...blocks(100));
      tell({ clear: true });
      blocks(20);
      const quiet = Math.max(...blocks(600));
      return [loud > 0.3, quiet, played()];
    }"""
    assert await playback(page, script) == [True, 0, []]


async def test_a_short_sound_is_played_though_the_lead_is_never_reached(page: Page) -> None:
    script = """({ tone, tell, blocks, played }) => {
      tell({ audio: tone(20) });
      tell({ mark: "short" });
      return [Math.max(...blocks(300)) > 0.3, played()];
    }"""
    assert await playback(page, script) == [True, ["short"]]


async def test_a_mark_on_silence_comes_back_at_once(page: Page) -> None:
    script = """({ tell, played }) => { tell({ mark: "now" }); return played(); }"""
    assert await playback(page, script) == ["now"]
