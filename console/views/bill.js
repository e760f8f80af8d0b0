// The bill of a call, line by line.

import { byId, el, fill } from "./dom.js";
import { meter, money, quantity } from "./words.js";

export function showBill(bill) {
  const heads = ["What", "Quantity", "Amount"].map((head) => el("th", { scope: "col" }, head));
  const rows = bill.lines.map((line) => el("tr", {},
    el("td", {}, el("span.meter", {}, meter(line.meter)), el("span.quiet", {}, line.explanation)),
    el("td.number", {}, quantity(line)),
    el("td.number", {}, money(line.amount_micros, line.currency))));
  const total = el("tr", {},
    el("th", { scope: "row", colspan: "2" }, "Total"),
    el("td.number", { id: "bill-total" }, money(bill.total_micros, bill.currency)));
  fill(byId("bill"), el("table", {},
    el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows), el("tfoot", {}, total)));
}

export function waitForBill() {
  fill(byId("bill"), el("p.quiet", {}, "The usage is being rated…"));
}
