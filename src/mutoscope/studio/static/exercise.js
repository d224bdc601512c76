// An answer to an exercise: written and checked here, kept in this browser.
import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { post } from "./api.js";
import { Wrong } from "./parts.js";

const kept = (name) => `answer-${name}`;
const right = (name) => `right-${name}`;

export const solved = (exercise) => localStorage.getItem(right(exercise.name)) !== null;

export function Answer({ exercise }) {
  const [source, write] = useState(localStorage.getItem(kept(exercise.name)) ?? exercise.starter);
  const [verdict, hear] = useState(null);
  const [error, fail] = useState(null);
  const [busy, wait] = useState(false);
  useEffect(() => localStorage.setItem(kept(exercise.name), source), [source]);
  const check = async () => {
    wait(true);
    try {
      const told = await post("/api/learn/check", { exercise: exercise.name, source });
      if (told.right) localStorage.setItem(right(exercise.name), "");
      hear(told);
      fail(null);
    } catch (found) {
      hear(null);
      fail(found);
    }
    wait(false);
  };
  const pressed = (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) return busy || check();
    indent(event.target);
    write(event.target.value);
  };
  return html`<div class="field"><label for="source">Your Python</label>
      <textarea id="source" class="code" rows=${Math.max(10, source.split("\n").length + 1)} spellcheck="false" autocomplete="off" value=${source} aria-describedby="verdict"
        onInput=${(event) => write(event.target.value)} onKeyDown=${pressed}></textarea></div>
    <div class="row"><button class="main" disabled=${busy} onClick=${check}>${busy ? "Checking …" : "Check"}</button>
      <button disabled=${busy} onClick=${() => { write(exercise.starter); hear(null); }}>Begin again</button>
      <span class="small soft">Ctrl+Enter checks, too.</span></div>
    <div id="verdict" role="status" class="verdict">
      ${verdict && html`<p><b class=${verdict.right ? "right" : "notright"}>${verdict.right ? "✓ right" : verdict.headline}</b></p>
        ${verdict.hint && html`<pre class="wrapped">${verdict.hint}</pre>`}
        ${verdict.printed && html`<p class="small soft">It printed:</p><pre class="wrapped">${verdict.printed}</pre>`}`}
      <${Wrong} error=${error} /></div>`;
}

// A new line begins where the one before does, and further in after a colon, as Python wants it.
function indent(box) {
  const before = box.value.slice(0, box.selectionStart).split("\n").pop();
  const more = /:\s*(#.*)?$/.test(before) ? "    " : "";
  box.setRangeText(`\n${before.match(/^ */)[0]}${more}`, box.selectionStart, box.selectionEnd, "end");
}
