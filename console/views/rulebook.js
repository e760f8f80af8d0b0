// Which file makes the agent what it is, and what is wrong with it if an edit was not taken.

import { byId, el, fill } from "./dom.js";

export async function showRulebook(session, agent) {
  const book = await session.get(`/v1/rulebooks/${agent}`);
  const where = book.file
    ? el("p", {}, "Edit this file and save; the next call uses it:", el("code.path", {}, book.file))
    : el("p", {}, "Replace it with ", el("code", {}, `PUT /v1/rulebooks/${agent}`), "; the next call uses it.");
  const version = el("p.quiet", {}, `${agent}, version ${book.version}, since ${new Date(book.published_at).toLocaleString()}`);
  const wrong = book.problems.map((problem) =>
    el("li", {}, problem.line ? `line ${problem.line}: ` : "", problem.what ?? problem.detail ?? ""));
  const problems = wrong.length
    ? [el("div.wrong", { role: "alert" }, el("p", {}, "The last edit was not taken, the version above stays:"), el("ul", {}, ...wrong))]
    : [];
  fill(byId("rulebook"), where, version, ...problems,
    el("details", {}, el("summary", {}, "Read it here"), el("pre", { tabindex: "0" }, book.document)));
}
