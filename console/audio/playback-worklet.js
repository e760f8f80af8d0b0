// The agent's side: u-law at 8 kHz in, device rate out, behind a small jitter buffer.
// Marks come back when everything before them was played; `clear` drops what was not.

import { Resampler } from "./resample.js";
import { decode } from "./ulaw.js";

const LEAD_S = 0.06; // waited for before playing, so that late frames do not tear the speech
const PATIENCE_S = 0.12; // a sentence shorter than the lead is played after this
const FADE = 64; // device samples: a cut without a click

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(8000, sampleRate);
    this.queue = []; // Float32Array at device rate, or { mark }
    this.queued = 0;
    this.offset = 0;
    this.playing = false;
    this.waited = 0;
    this.last = 0;
    this.energy = 0;
    this.counted = 0;
    this.port.onmessage = ({ data }) => this.told(data);
  }

  told(message) {
    if (message.audio) {
      const samples = Float32Array.from(this.resampler.process(decode(message.audio)));
      this.queue.push(samples);
      this.queued += samples.length;
    } else if (message.mark !== undefined) {
      if (this.queue.length === 0) this.port.postMessage({ played: message.mark });
      else this.queue.push({ mark: message.mark });
    } else if (message.clear) {
      this.queue = [];
      this.queued = 0;
      this.offset = 0;
      this.playing = false;
      this.waited = 0;
      this.resampler.reset();
    }
  }

  process(_, [output]) {
    const out = output[0];
    if (!this.ready(out.length)) this.silence(out);
    else this.play(out);
    for (let i = 1; i < output.length; i += 1) output[i].set(out);
    this.measure(out);
    return true;
  }

  ready(length) {
    if (this.playing) return true;
    if (this.queue.length === 0) return false;
    this.waited += length / sampleRate;
    this.playing = this.queued >= LEAD_S * sampleRate || this.waited >= PATIENCE_S;
    return this.playing;
  }

  play(out) {
    let at = 0;
    while (this.queue.length > 0 && (at < out.length || this.queue[0].mark !== undefined)) {
      const next = this.queue[0];
      if (next.mark !== undefined) {
        this.port.postMessage({ played: next.mark });
        this.queue.shift();
        continue;
      }
      const count = Math.min(out.length - at, next.length - this.offset);
      out.set(next.subarray(this.offset, this.offset + count), at);
      at += count;
      this.offset += count;
      this.queued -= count;
      if (this.offset === next.length) { this.queue.shift(); this.offset = 0; }
    }
    if (at > 0) this.last = out[at - 1];
    if (at < out.length) {
      this.playing = false;
      this.waited = 0;
      this.silence(out.subarray(at));
    }
  }

  silence(out) {
    for (let i = 0; i < out.length; i += 1) {
      this.last *= 1 - 1 / FADE;
      out[i] = Math.abs(this.last) < 1e-4 ? 0 : this.last;
    }
  }

  measure(out) {
    for (const sample of out) this.energy += sample * sample;
    this.counted += out.length;
    if (this.counted < sampleRate / 30) return;
    this.port.postMessage({ level: Math.sqrt(this.energy / this.counted) });
    this.energy = 0;
    this.counted = 0;
  }
}

registerProcessor("playback", Playback);
