// G.711 u-law: one byte a sample, both ways. Samples are floats in [-1, 1].

const BIAS = 0x84;
const CLIP = 32635;

export function encode(sample) {
  let value = Math.max(-1, Math.min(1, sample)) * 32767;
  const sign = value < 0 ? 0x80 : 0;
  value = Math.min(Math.abs(value), CLIP) + BIAS;
  let exponent = 7;
  for (let mask = 0x4000; (value & mask) === 0 && exponent > 0; mask >>= 1) exponent -= 1;
  const mantissa = (value >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

function decodeOne(byte) {
  const bits = ~byte & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 7);
  return ((bits & 0x80 ? BIAS - magnitude : magnitude - BIAS)) / 32768;
}

const TABLE = Float32Array.from({ length: 256 }, (_, byte) => decodeOne(byte));

export function decode(bytes) {
  return Float32Array.from(bytes, (byte) => TABLE[byte]);
}
