// The conversation as it was heard: turns, tools, and what happened in between.

import { byId, el, fill } from "./dom.js";
import { plain, seconds, values } from "./words.js";

export class Conversation {
  constructor() {
    this.list = byId("conversation");
    this.tools = new Map();
    this.answers = [];
  }

  clear() {
    this.tools.clear();
    this.answers = [];
    fill(this.list);
    byId("latency").hidden = true;
  }

  // Shows a fact, if it is one that people see.
  take({ name, data }) {
    switch (name) {
      case "caller_spoke": return this.add(turn("caller", "You", data.text));
      case "agent_spoke": return this.agentSpoke(data);
      case "tool_called": return this.toolCalled(data);
      case "tool_returned": return this.toolReturned(data);
      case "key_pressed": return this.add(note(`You pressed ${data.digit}`));
      case "transfer_started": return this.add(note("Handing over to a person"));
      case "model_lost": return this.add(note(`The model is lost: ${data.reason}`));
      case "turn_measured": return this.measured(data);
      default: return undefined;
    }
  }

  agentSpoke(data) {
    if (!data.text) return;
    const item = turn("agent", "Agent", data.text);
    if (data.interrupted) item.append(el("p.cut", {}, "you spoke, the agent stopped here"));
    item.dataset.turn = data.turn;
    this.add(item);
  }

  toolCalled(data) {
    const outcome = el("span.outcome", {}, "working…");
    const item = el("li.tool", {},
      el("p", {}, el("span.tool-name", {}, plain(data.tool)), outcome),
      el("p.quiet", {}, values(data.arguments)));
    this.tools.set(data.tool_call, { item, outcome });
    this.add(item);
  }

  toolReturned(data) {
    const known = this.tools.get(data.tool_call);
    if (!known) return;
    fill(known.outcome, `${plain(data.outcome)} after ${seconds(data.duration_ms)}`);
    known.item.classList.add(data.outcome);
    const result = values(data.result);
    if (result) known.item.append(el("p.quiet", {}, result));
  }

  measured(data) {
    if (data.response_ms === null || data.response_ms === undefined) return;
    this.answers.push(data.response_ms);
    const mean = this.answers.reduce((sum, each) => sum + each, 0) / this.answers.length;
    byId("latency").hidden = false;
    fill(byId("latency-last"), seconds(data.response_ms));
    fill(byId("latency-mean"), seconds(Math.round(mean)));
    this.label(data);
  }

  label({ turn: number, response_ms: ms }) {
    const turns = this.list.querySelectorAll(`.agent[data-turn="${number}"] .who`);
    const who = turns[turns.length - 1];
    if (who) who.append(el("span.after", { title: "from the end of your speech to the first sound" }, `after ${seconds(ms)}`));
    else this.pending = { number, ms };
  }

  // A decided approval becomes a part of the conversation.
  keep(card) {
    this.add(el("li.decided", {}, card));
  }

  // Whoever reads the newest goes on reading the newest, whatever `change` does to the page.
  keepEnd(change) {
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    change();
    if (scrollHeight - scrollTop - clientHeight < 80) this.list.scrollTop = this.list.scrollHeight;
  }

  add(item) {
    this.list.querySelector(".empty")?.remove();
    this.list.append(item);
    if (this.pending && item.dataset.turn === String(this.pending.number)) {
      const { number, ms } = this.pending;
      this.pending = null;
      this.label({ turn: number, response_ms: ms });
    }
  }
}

function turn(side, who, text) {
  return el(`li.turn.${side}`, {}, el("p.who", {}, who), el("p.said", {}, text));
}

function note(text) {
  return el("li.note", {}, text);
}
