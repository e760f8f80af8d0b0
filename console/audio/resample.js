// A streaming, band-limited resampler: windowed sinc, one filter per phase, no block delay.
// Below the lower of both rates' limits everything passes; above it everything is taken away, so
// that a device at 44.1 or 48 kHz does not fold hiss into the telephone's band.

const CROSSINGS = 10;
const PASS = 0.46; // of the lower rate: 3.7 kHz for a telephone
const MOST_PHASES = 640;

export class Resampler {
  constructor(from, to) {
    this.step = from / to; // input samples per output sample
    const cutoff = (PASS * Math.min(from, to)) / from;
    this.half = Math.ceil(CROSSINGS / (2 * cutoff));
    this.phases = Math.min(MOST_PHASES, to / gcd(from, to));
    this.filters = Array.from({ length: this.phases }, (_, phase) =>
      filter(cutoff, this.half, phase / this.phases));
    this.reset();
  }

  reset() {
    this.past = new Float32Array(2 * this.half);
    this.position = 0; // of the next output, in input samples from the start of `past`
  }

  // All output that the input so far allows; the rest is kept for the next call.
  process(input) {
    const signal = new Float32Array(this.past.length + input.length);
    signal.set(this.past);
    signal.set(input, this.past.length);
    const width = 2 * this.half;
    const output = [];
    for (; this.position + width < signal.length; this.position += this.step) {
      let first = Math.floor(this.position);
      let phase = Math.round((this.position - first) * this.phases);
      if (phase === this.phases) { phase = 0; first += 1; }
      if (first + width > signal.length) break;
      const taps = this.filters[phase];
      let sum = 0;
      for (let i = 0; i < width; i += 1) sum += signal[first + i] * taps[i];
      output.push(sum);
    }
    const used = Math.min(Math.floor(this.position), signal.length);
    this.past = signal.slice(used);
    this.position -= used;
    return output;
  }
}

function filter(cutoff, half, offset) {
  const taps = Float32Array.from({ length: 2 * half }, (_, i) => {
    const at = i - half + 1 - offset;
    return 2 * cutoff * sinc(2 * cutoff * at) * window(at / half);
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / gain);
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function window(x) {
  return Math.abs(x) >= 1 ? 0 : 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
}

function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}
