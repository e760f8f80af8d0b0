// Approval cards: what the agent asks for, until somebody decides or the time is over.

import { byId, el, fill } from "./dom.js";
import { clock } from "./words.js";

export class Approvals {
  // `decide(approval, decision)` resolves once the decision counts, or rejects with a Problem;
  // `keep(card)` takes a card that is decided.
  constructor(decide, keep) {
    this.place = byId("approvals");
    this.keep = keep;
    this.decide = decide;
    this.cards = new Map();
  }

  clear() {
    for (const card of this.cards.values()) clearInterval(card.ticking);
    this.cards.clear();
    fill(this.place);
  }

  take({ name, data }) {
    if (name === "approval_requested") this.asked(data);
    else if (name === "approval_decided") this.closed(data.approval, `${data.decision} by ${data.by}`, data.decision);
    else if (name === "approval_expired") this.closed(data.approval, "nobody decided in time", "expired");
    else if (name === "ended") this.ended();
  }

  asked({ approval, what, expires_at: expires }) {
    const left = el("span.left", {}, "");
    const said = el("p.said", { role: "status" });
    const button = (decision, label, kind) =>
      el(`button.${kind}`, { type: "button", onclick: () => this.chosen(approval, decision) }, label);
    const buttons = el("div.buttons", {},
      button("approved", "Approve", "primary"), button("refused", "Refuse", "plain"));
    const card = el("article.approval", { "aria-label": "Approval" },
      el("p.kind", {}, "The agent asks for your approval", left), el("p.what", {}, what), buttons, said);
    const tick = () => fill(left, ` · ${clock(Date.parse(expires) - Date.now())} left`);
    tick();
    this.cards.set(approval, { card, buttons, said, left, ticking: setInterval(tick, 500) });
    this.place.append(card);
  }

  async chosen(approval, decision) {
    const { buttons, said } = this.cards.get(approval);
    const each = buttons.querySelectorAll("button");
    for (const button of each) button.disabled = true;
    try {
      await this.decide(approval, decision);
    } catch (problem) {
      fill(said, `${problem.message} ${problem.fix ?? ""}`);
      if (problem.status !== 409) for (const button of each) button.disabled = false;
    }
  }

  closed(approval, text, decision) {
    const known = this.cards.get(approval);
    if (!known) return;
    clearInterval(known.ticking);
    known.buttons.remove();
    fill(known.left);
    fill(known.said, text);
    known.card.classList.add(decision);
    this.keep(known.card);
  }

  ended() {
    for (const [approval, { card }] of this.cards) {
      if (!card.matches(".approved, .refused, .expired")) this.closed(approval, "the call ended before a decision", "expired");
    }
  }
}
