// The timeline: every fact of the call, as it was stored.

import { byId, el, fill } from "./dom.js";
import { plain, time, values } from "./words.js";

export class Timeline {
  constructor() {
    this.place = byId("timeline");
  }

  clear() {
    this.rows = el("tbody");
    fill(this.place, el("table", {},
      el("thead", {}, el("tr", {}, ...["#", "Time", "What", "Details"].map((head) => el("th", { scope: "col" }, head)))),
      this.rows));
  }

  take(fact) {
    this.rows.append(el("tr", {},
      el("td.number", {}, fact.seq === null ? "·" : String(fact.seq)),
      el("td.time", {}, time(fact.at)),
      el("td", {}, plain(fact.name)),
      el("td.details", {}, values(fact.data))));
  }
}
