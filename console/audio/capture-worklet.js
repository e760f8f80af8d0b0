// The microphone's side: device rate in, 20 ms frames of u-law at 8 kHz out.

import { Resampler } from "./resample.js";
import { encode } from "./ulaw.js";

const FRAME = 160;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, 8000);
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.energy = 0;
    this.muted = false;
    this.port.onmessage = ({ data }) => { this.muted = data.muted; };
  }

  process([input]) {
    const heard = input[0];
    if (!heard) return true;
    for (const sample of this.resampler.process(heard)) this.take(this.muted ? 0 : sample);
    return true;
  }

  take(sample) {
    this.frame[this.filled] = encode(sample);
    this.energy += sample * sample;
    this.filled += 1;
    if (this.filled < FRAME) return;
    const level = Math.sqrt(this.energy / FRAME);
    this.port.postMessage({ frame: this.frame, level }, [this.frame.buffer]);
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.energy = 0;
  }
}

registerProcessor("capture", Capture);
