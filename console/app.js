// The page: one button, one call at a time, and everything a call leaves behind.

import { Problem, Session } from "./api.js";
import { MicrophoneError, Phone, openMicrophone } from "./audio/phone.js";
import { Approvals } from "./views/approvals.js";
import { showBill, waitForBill } from "./views/bill.js";
import { Conversation } from "./views/conversation.js";
import { byId, fill } from "./views/dom.js";
import { showEarlier } from "./views/earlier.js";
import { makeKeypad } from "./views/keypad.js";
import { noRecording, showRecording, waitForRecording } from "./views/recording.js";
import { Ring } from "./views/ring.js";
import { showRulebook } from "./views/rulebook.js";
import { Timeline } from "./views/timeline.js";
import { causeOf, clock } from "./views/words.js";

const session = new Session();
const ring = new Ring();
const conversation = new Conversation();
const timeline = new Timeline();
const approvals = new Approvals(
  (approval, decision) => session.post(`/v1/approvals/${approval}/decision`, { decision }),
  (card) => conversation.keep(card));

let agent = "";
let phone = null;
let watching = null;
let startedAt = 0;
let ticking = 0;

// ---- the session -------------------------------------------------------------------------------

async function begin() {
  try {
    const opened = await session.open();
    agent = opened.agents[0] ?? "";
    showModel(opened.model);
  } catch (problem) {
    if (problem.status === 403 || problem.status === 404) return askForToken();
    return notice(problem);
  }
  await settle();
}

function askForToken() {
  const form = byId("sign-in");
  form.hidden = false;
  byId("talk").disabled = true;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    session.use(byId("token").value.trim());
    try {
      agent = (await session.get("/v1/rulebooks")).items[0]?.agent ?? "";
    } catch (problem) {
      return notice(problem);
    }
    quiet();
    form.hidden = true;
    byId("talk").disabled = false;
    return settle();
  });
}

function showModel(model) {
  const demo = model === "demo";
  const text = demo
    ? "Demo model: small, offline, understands only what its rule book lists"
    : `Model: ${model}`;
  byId("model").hidden = false;
  fill(byId("model"), text);
}

// What the page knows besides the call: the rule book and earlier calls.
async function settle() {
  fill(byId("agent"), agent ? `Agent: ${agent}` : "This tenant has no agent yet");
  byId("talk").disabled = agent === "";
  const shown = agent ? [showRulebook(session, agent)] : [];
  await Promise.allSettled([...shown, showEarlier(session, showCall)]);
}

// ---- the call ----------------------------------------------------------------------------------

async function talk() {
  if (phone) return;
  quiet();
  show("asking", "Allow the microphone, please");
  try {
    const stream = await openMicrophone();
    show("connecting", "Calling…");
    phone = new Phone(stream, {
      level: (levels) => ring.set(levels),
      connected: () => connected(),
      bye: (cause) => show("ending", causeOf(cause)),
      closed: (expected) => closed(expected),
    });
    const placed = await placeCall(stream);
    prepare();
    follow(placed.call);
    await phone.call(placed.media_url);
  } catch (problem) {
    phone = null;
    show("idle", "Ready when you are");
    notice(problem);
  }
}

async function placeCall(stream) {
  try {
    return await session.post("/v1/phone-tokens", { agent });
  } catch (problem) {
    for (const track of stream.getTracks()) track.stop();
    throw problem;
  }
}

function connected() {
  startedAt = Date.now();
  clearInterval(ticking);
  ticking = setInterval(() => fill(byId("clock"), clock(Date.now() - startedAt)), 250);
  show("live", "You are connected: just talk");
}

function closed(expected) {
  phone = null;
  clearInterval(ticking);
  if (expected) return show("idle", byId("state").textContent);
  show("idle", "The connection was lost");
  return notice(new Problem(0, { detail: "The connection to the call was lost.", fix: "Press the button to call again." }));
}

function prepare() {
  conversation.clear();
  approvals.clear();
  timeline.clear();
  waitForRecording();
  waitForBill();
  badge("being settled…", "");
  byId("aftermath").hidden = true;
  fill(byId("clock"), "0:00");
}

// ---- what is told about it ---------------------------------------------------------------------

async function follow(call) {
  watching?.abort();
  const stop = new AbortController();
  watching = stop;
  try {
    for await (const fact of session.facts(call, stop.signal)) take(call, fact);
    if (!stop.signal.aborted) await settle();
  } catch (problem) {
    if (!stop.signal.aborted) notice(problem);
  }
}

function take(call, fact) {
  conversation.keepEnd(() => { conversation.take(fact); approvals.take(fact); });
  timeline.take(fact);
  switch (fact.name) {
    case "ended": return ended(fact.data);
    case "recording_stored": return recorded(call, fact.data);
    case "rated": return rated(call);
    case "settled": return sealed(fact.data);
    default: return undefined;
  }
}

function ended(data) {
  byId("aftermath").hidden = false;
  fill(byId("clock"), clock(data.duration_ms));
  if (!phone || byId("state").dataset.state !== "live") show("idle", causeOf(data.cause));
}

async function recorded(call, data) {
  if (!data.object_key) return noRecording();
  return showRecording(session, call).catch(notice);
}

async function rated(call) {
  return session.get(`/v1/calls/${call}/bill`).then(showBill).catch(notice);
}

function sealed({ missing }) {
  const complete = missing.length === 0;
  badge(complete ? "Sealed: nothing is missing" : `Sealed without ${missing.join(", ")}`, complete ? "good" : "bad");
}

// One of the earlier calls: its facts come the same way, all at once.
function showCall(call) {
  if (phone) return;
  quiet();
  prepare();
  show("idle", "An earlier call");
  byId("aftermath").hidden = false;
  follow(call);
  byId("log-title").scrollIntoView({ behavior: "smooth" });
}

// ---- what is shown -----------------------------------------------------------------------------

function show(state, text) {
  const place = byId("state");
  place.dataset.state = state;
  fill(place, text);
  document.body.dataset.state = state;
  const live = state === "live" || state === "ending";
  byId("controls").hidden = !live;
  byId("talk").disabled = state !== "idle" || agent === "";
  if (!live) {
    byId("keypad").hidden = true;
    byId("keys").setAttribute("aria-expanded", "false");
    byId("mute").setAttribute("aria-pressed", "false");
    fill(byId("mute"), "Mute");
  }
}

function badge(text, kind) {
  byId("sealed").className = `badge ${kind}`;
  fill(byId("sealed"), text);
}

function notice(problem) {
  const known = problem instanceof Problem || problem instanceof MicrophoneError;
  if (!known) console.error(problem);
  const text = known ? [problem.message, problem.fix ?? ""].join(" ").trim() : "Something went wrong on this page. Load it again.";
  byId("notice").hidden = false;
  fill(byId("notice"), text);
}

function quiet() {
  byId("notice").hidden = true;
}

byId("talk").addEventListener("click", talk);
byId("hangup").addEventListener("click", () => { show("ending", "Hanging up…"); phone?.hangUp(); });
byId("mute").addEventListener("click", () => {
  const muted = byId("mute").getAttribute("aria-pressed") !== "true";
  byId("mute").setAttribute("aria-pressed", String(muted));
  fill(byId("mute"), muted ? "Unmute" : "Mute");
  phone?.mute(muted);
});
makeKeypad((key) => phone?.press(key));
show("idle", "Ready when you are");
byId("talk").disabled = true;
begin();
