// The gateway's API: the session, requests, and events that survive a lost connection.

export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? document.title ?? `The server answered ${status}.`);
    this.status = status;
    this.type = document.type ?? "";
    this.fix = document.fix ?? "";
    this.retryAfter = document.retryAfter ?? 0;
  }
}

// The key in the address that `up` printed; browsers keep what follows the # to themselves.
const pageKey = location.hash.slice(1);

export class Session {
  constructor() {
    this.token = "";
    this.renewAt = 0;
    this.own = false;
  }

  // The demo's session; a Problem when this page has none here.
  async open() {
    const answer = await answered(await reach("/demo/session", { method: "POST", headers: { "CallFunnel-Page-Key": pageKey } }));
    const session = await answer.json();
    this.token = session.access_token;
    this.renewAt = Date.now() + session.expires_in * 800;
    return session;
  }

  use(token) {
    this.token = token;
    this.own = true;
  }

  async request(path, options = {}) {
    if (!this.own && Date.now() > this.renewAt) await this.open();
    const headers = { ...options.headers, Authorization: `Bearer ${this.token}` };
    return answered(await reach(path, { ...options, headers }));
  }

  async get(path) {
    return (await this.request(path)).json();
  }

  async post(path, body) {
    const headers = { "Content-Type": "application/json" };
    const options = { method: "POST", headers, body: JSON.stringify(body) };
    return (await this.request(path, options)).json();
  }

  // The facts of a call, each once and in order, also across lost connections, until it is settled.
  async *facts(call, signal) {
    let last = "";
    const seen = new Set();
    while (!signal.aborted) {
      try {
        const headers = last ? { "Last-Event-ID": last } : {};
        const answer = await this.request(`/v1/calls/${call}/events`, { headers, signal });
        for await (const event of events(answer.body)) {
          last = event.id || last;
          const fact = JSON.parse(event.data);
          if (seen.has(fact.id)) continue;
          seen.add(fact.id);
          yield fact;
          if (fact.name === "settled") return;
        }
      } catch (error) {
        if (signal.aborted || (error instanceof Problem && error.status < 500 && error.status !== 429)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  }
}

async function reach(path, options) {
  try {
    return await fetch(path, { cache: "no-store", credentials: "omit", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(503, { detail: "The server cannot be reached.", fix: "Is `./cf up` still running? Try again in a moment." });
  }
}

async function answered(response) {
  if (response.ok) return response;
  const text = await response.text();
  let document = {};
  try { document = JSON.parse(text); } catch { /* no problem document: the status says it */ }
  document.retryAfter = Number(response.headers.get("Retry-After") ?? 0);
  throw new Problem(response.status, document);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event.data) yield event;
    }
  }
}

function parsed(block) {
  const event = { id: "", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    if (name === "id" || name === "data") event[name] += value;
  }
  return event;
}
