// The browser phone: a microphone, a loudspeaker and one socket. Knows no page.
// `on` is told: level({caller, agent}), connected(), bye(cause), closed(expected).

const RATE = 8000;
const MOST_WAITING = 64 * 1024; // bytes not yet sent: late speech is worth nothing

export class MicrophoneError extends Error {}

export async function openMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new MicrophoneError(
      "This browser gives a microphone only to pages on https or on this machine. " +
      "Open the page at http://localhost or http://127.0.0.1.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
    });
  } catch (error) {
    throw new MicrophoneError(reason(error.name));
  }
}

function reason(name) {
  switch (name) {
    case "NotAllowedError":
      return "The microphone is blocked. Allow it for this page (the symbol beside the address), then press the button again.";
    case "NotFoundError":
      return "There is no microphone. Connect one, then press the button again.";
    case "NotReadableError":
      return "Another program holds the microphone. Close it, then press the button again.";
    default:
      return `The microphone cannot be used (${name}).`;
  }
}

export class Phone {
  constructor(stream, on) {
    this.stream = stream;
    this.on = on;
    this.levels = { caller: 0, agent: 0 };
    this.over = false;
    this.expected = false; // that the socket closes: somebody said goodbye
  }

  async call(url) {
    this.context = new AudioContext({ latencyHint: "interactive" });
    await Promise.all([
      this.context.audioWorklet.addModule("/console/audio/capture-worklet.js"),
      this.context.audioWorklet.addModule("/console/audio/playback-worklet.js"),
    ]);
    await this.context.resume();
    this.wire();
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.tell({ type: "start", rate: RATE });
      this.on.connected();
    };
    this.socket.onmessage = ({ data }) => this.received(data);
    this.socket.onclose = () => this.ended();
  }

  mute(muted) {
    this.capture.port.postMessage({ muted });
  }

  press(digit) {
    this.tell({ type: "dtmf", digit });
  }

  hangUp() {
    this.expected = true;
    this.tell({ type: "stop" });
    setTimeout(() => this.socket?.close(1000), 400);
  }

  wire() {
    const one = { numberOfInputs: 1, numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };
    this.capture = new AudioWorkletNode(this.context, "capture", one);
    this.playback = new AudioWorkletNode(this.context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.context.createMediaStreamSource(this.stream).connect(this.capture);
    this.playback.connect(this.context.destination);
    this.capture.port.onmessage = ({ data }) => {
      this.send(data.frame);
      this.level({ caller: data.level });
    };
    this.playback.port.onmessage = ({ data }) => {
      if (data.played !== undefined) this.tell({ type: "mark", name: data.played });
      else this.level({ agent: data.level });
    };
  }

  received(data) {
    if (data instanceof ArrayBuffer) {
      const audio = new Uint8Array(data);
      this.playback.port.postMessage({ audio }, [audio.buffer]);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "mark") this.playback.port.postMessage({ mark: message.name });
    else if (message.type === "clear") this.playback.port.postMessage({ clear: true });
    else if (message.type === "bye") {
      this.expected = true;
      this.on.bye(message.cause);
    }
  }

  send(frame) {
    const open = this.socket?.readyState === WebSocket.OPEN;
    if (open && this.socket.bufferedAmount < MOST_WAITING) this.socket.send(frame);
  }

  tell(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  level(levels) {
    Object.assign(this.levels, levels);
    this.on.level(this.levels);
  }

  ended() {
    if (this.over) return;
    this.over = true;
    for (const track of this.stream.getTracks()) track.stop();
    this.context?.close();
    this.on.level({ caller: 0, agent: 0 });
    this.on.closed(this.expected);
  }
}
