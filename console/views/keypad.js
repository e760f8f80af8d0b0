// The keypad: buttons, and the keys of a keyboard while it is open.

import { byId, el, fill } from "./dom.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

export function makeKeypad(press) {
  const pad = byId("keypad");
  const toggle = byId("keys");
  fill(pad, ...KEYS.map((key) => el("button.key", { type: "button", "aria-label": `Key ${key}`, onclick: () => press(key) }, key)));
  pad.addEventListener("keydown", ({ key }) => { if (KEYS.includes(key)) press(key); });
  toggle.addEventListener("click", () => {
    pad.hidden = !pad.hidden;
    toggle.setAttribute("aria-expanded", String(!pad.hidden));
    if (!pad.hidden) pad.querySelector("button").focus();
  });
}
