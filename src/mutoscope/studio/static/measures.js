// What was measured, in words.
import { number, percent } from "./words.js";

// Rows that say most come first; a name ends the same in every kind of evaluation.
export const ROWS = ["all_correct", "both", "followed", "identity", "colour", "direction", "persistence", "digits", "directions", "psnr", "ssim"];
const GROUPS = { "adherence.all": "", "adherence.seen": "seen in training", "adherence.held_out": "never seen", reconstruction: "VAE", trained: "VAE, trained on", unseen: "VAE, never seen" };
export const shown = (name, value) => (value === null || value === undefined ? "" : /psnr/.test(name) ? `${value.toFixed(1)} dB` : /ssim|error|frechet/.test(name) ? number(value) : percent(value));

export function named(path) {
  const parts = path.split("."), last = parts.pop(), group = parts.join(".");
  return { last, group, words: `${last.replace(/_/g, " ")}${(GROUPS[group] ?? group) ? `, ${GROUPS[group] ?? group.replace(/[._]/g, " ")}` : ""}` };
}
