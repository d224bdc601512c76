// All runs: how each is going, and the way to start one.
import { html, useState } from "../vendor/preact-htm.js";
import { useAnswer } from "../api.js";
import { Bar, Loading, Spark, State, Wrong } from "../parts.js";
import { TITLES, ago, duration, number, percent, plural } from "../words.js";

export function RunsPage() {
  const runs = useAnswer("/api/runs", (event) => event === "run" || event === "jobs");
  const [wanted, want] = useState("");
  if (runs.value === undefined) return html`<${Wrong} error=${runs.error} />${!runs.error && html`<${Loading} what="the runs" />`}`;
  const shown = runs.value.filter((run) => run.id.toLowerCase().includes(wanted.toLowerCase()));
  return html`
    <div class="title">
      <h1>Runs</h1>
      ${runs.value.length > 6 && html`<input style="max-width:16rem" type="search" aria-label="Find a run" placeholder="Find a run"
        value=${wanted} onInput=${(event) => want(event.target.value)} />`}
      <div class="actions"><a class="button main" href="#/train">Start a run</a></div>
    </div>
    <${Wrong} error=${runs.error} />
    ${runs.value.length === 0 ? html`<${Empty} />` : html`<p class="soft small">${plural(runs.value.length, "run")}${wanted ? `, ${shown.length} shown` : ""}</p>`}
    <div class="cards">${shown.slice(0, 300).map((run) => html`<${Card} key=${run.id} run=${run} />`)}</div>
    ${shown.length > 300 && html`<p class="soft">The 300 that changed last are shown. Type a part of a name to find others.</p>`}`;
}

function Empty() {
  return html`<div class="card empty">
    <h2>Nothing was trained here yet</h2>
    <p>A first model takes ten minutes on two cores: moving digits that do what you type. <br />
      Meanwhile the small model inside the package makes videos.</p>
    <p class="row" style="justify-content:center"><a class="button main" href="#/train?recipe=demo">Train the demo</a>
      <a class="button" href="#/generate">Make a video now</a></p>
  </div>`;
}

function Card({ run }) {
  return html`<article class="card" aria-label=${run.id}>
    <div class="row"><h2 class="grow" style="overflow-wrap:anywhere"><a href=${`#/run/${encodeURIComponent(run.id)}`}>${run.id}</a></h2><${State} state=${run.state} /></div>
    ${run.problem
      ? html`<p class="wrapped small">${run.problem}</p>`
      : html`<${Spark} values=${run.curve} label=${`loss, now ${number(run.loss)}`} />
        <${Bar} done=${run.step} total=${run.steps} label="steps of this stage" />
        <p class="small" style="margin:.4rem 0 0">${run.stage ? `${TITLES[run.stage] || run.stage} ${run.step.toLocaleString("en")} of ${run.steps.toLocaleString("en")}, loss ${number(run.loss)}` : "before the first step"}</p>
        <p class="small soft" style="margin:0">${run.quality ? `${percent(run.quality.value)} ${run.quality.name} (ceiling ${percent(run.quality.ceiling)}) · ` : ""}${duration(run.seconds)} of training · ${ago(run.changed)}</p>`}
  </article>`;
}
