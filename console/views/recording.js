// The recording: fetched with the token, played from memory, both sides drawn one above the other.

import { byId, el, fill } from "./dom.js";
import { clock } from "./words.js";

let address = "";

export function waitForRecording() {
  if (address) URL.revokeObjectURL(address);
  address = "";
  fill(byId("recording"), el("p.quiet", {}, "The recording is being stored…"));
}

export function noRecording() {
  fill(byId("recording"), el("p.quiet", {}, "This call was not recorded."));
}

export async function showRecording(session, call) {
  const answer = await session.request(`/v1/calls/${call}/recording`);
  const blob = await answer.blob();
  address = URL.createObjectURL(blob);
  const canvas = el("canvas", { width: "1200", height: "300", role: "img", "aria-label": "Both sides of the call over time" });
  const player = el("audio", { id: "player", controls: true, preload: "auto", src: address });
  const length = el("span.quiet", {}, "");
  const legend = el("p.legend", {}, el("span.caller", {}, "you"), el("span.agent", {}, "agent"), length);
  fill(byId("recording"), canvas, player, legend);
  try {
    const audio = await new OfflineAudioContext(2, 8000, 8000).decodeAudioData(await blob.arrayBuffer());
    fill(length, clock(audio.duration * 1000));
    keepDrawn(canvas, player, peaks(audio), audio.duration);
  } catch {
    canvas.remove(); // this browser plays it but does not decode it: no picture
  }
}

function peaks(audio) {
  const columns = 600;
  return [0, 1].map((side) => {
    const samples = audio.getChannelData(Math.min(side, audio.numberOfChannels - 1));
    const width = Math.max(1, Math.floor(samples.length / columns));
    return Array.from({ length: columns }, (_, i) =>
      samples.subarray(i * width, (i + 1) * width).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0));
  });
}

function keepDrawn(canvas, player, sides, duration) {
  const styles = getComputedStyle(document.documentElement);
  const colours = [styles.getPropertyValue("--caller"), styles.getPropertyValue("--accent")];
  const draw = () => {
    const pen = canvas.getContext("2d");
    const played = (player.currentTime / duration) * canvas.width;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    sides.forEach((side, row) => {
      const middle = canvas.height * (row === 0 ? 0.25 : 0.75);
      side.forEach((peak, i) => {
        const x = (i / side.length) * canvas.width;
        const height = Math.max(1, peak * canvas.height * 0.22);
        pen.globalAlpha = x <= played ? 1 : 0.4;
        pen.fillStyle = colours[row];
        pen.fillRect(x, middle - height, 1.4, 2 * height);
      });
    });
    if (!player.paused) requestAnimationFrame(draw);
  };
  for (const event of ["play", "seeked", "pause", "timeupdate"]) player.addEventListener(event, draw);
  canvas.addEventListener("click", ({ offsetX }) => {
    player.currentTime = (offsetX / canvas.clientWidth) * duration;
  });
  draw();
}
