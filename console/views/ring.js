// The ring around the button: who speaks, and how loud.

import { byId } from "./dom.js";

const EASE = 0.35;

export class Ring {
  constructor() {
    this.canvas = byId("ring");
    this.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.shown = { caller: 0, agent: 0 };
    this.wanted = { caller: 0, agent: 0 };
    this.drawing = false;
    this.draw();
  }

  set(levels) {
    this.wanted = { ...levels };
    if (!this.drawing) {
      this.drawing = true;
      requestAnimationFrame(() => this.frame());
    }
  }

  frame() {
    for (const side of ["caller", "agent"]) {
      this.shown[side] += (Math.min(1, this.wanted[side] * 5) - this.shown[side]) * EASE;
    }
    this.draw();
    const moving = ["caller", "agent"].some((side) => Math.abs(this.shown[side]) > 0.004);
    this.drawing = moving;
    if (moving) requestAnimationFrame(() => this.frame());
  }

  draw() {
    const pen = this.canvas.getContext("2d");
    const middle = this.canvas.width / 2;
    const styles = getComputedStyle(document.documentElement);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const [side, colour, radius] of [["agent", "--accent", 150], ["caller", "--caller", 158]]) {
      const level = this.still ? Math.round(this.shown[side]) : this.shown[side];
      pen.beginPath();
      pen.arc(middle, middle, radius + level * 48, 0, 2 * Math.PI);
      pen.globalAlpha = 0.12 + level * 0.5;
      pen.lineWidth = 3 + level * 14;
      pen.strokeStyle = styles.getPropertyValue(colour);
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }
}
