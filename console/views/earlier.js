// Earlier calls, newest first; one click shows what a call left behind.

import { byId, el, fill } from "./dom.js";
import { causeOf, clock, money } from "./words.js";

export async function showEarlier(session, open) {
  const { items } = await session.get("/v1/calls?limit=8");
  if (items.length === 0) return;
  fill(byId("earlier"), el("ul.calls", {}, ...items.map((call) => el("li", {}, row(call, open)))));
}

function row(call, open) {
  const cost = call.amount_micros === null ? "" : money(call.amount_micros, call.currency);
  const when = new Date(call.started_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  return el("button.call", { type: "button", onclick: () => open(call.call) },
    el("span.when", {}, when),
    el("span.number", {}, call.duration_ms === null ? "" : clock(call.duration_ms)),
    el("span.number", {}, cost),
    el("span.quiet", {}, `${call.from ?? "unknown"} · ${call.cause ? causeOf(call.cause, call.from === "browser") : call.state}`));
}
