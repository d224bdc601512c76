// One run: its curves while they grow, its prompts over the steps, what was measured, its log and settings.
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { at, post, remove, useAnswer } from "../api.js";
import { Chart } from "../chart.js";
import { ROWS, named, shown } from "../measures.js";
import { CURVES, useMetrics } from "../metrics.js";
import { Bar, Loading, Question, State, Wrong, isOpen } from "../parts.js";
import { TITLES, ago, duration, number, percent } from "../words.js";

export function RunPage({ name, jobs }) {
  const run = useAnswer(at("/api/run", { run: name }), (event, data) => (event === "run" && data === name) || event === "jobs");
  if (!run.value) return run.error ? html`<${NotThere} name=${name} job=${jobs.find((job) => job.kind === "train" && job.subject === name)} run=${run} />` : html`<${Loading} what=${name} />`;
  const told = run.value;
  return html`
    <div class="title"><h1 style="overflow-wrap:anywhere">${name}</h1><${State} state=${told.state} /><${Actions} run=${told} again=${run.again} /></div>
    ${told.problem && html`<div class="message">This run cannot be read: ${told.problem}</div>`}
    ${told.stage && html`<${Bar} done=${told.step} total=${told.steps} label="steps of this stage" />
      <p class="small soft">${TITLES[told.stage] || told.stage} ${told.step.toLocaleString("en")} of ${told.steps.toLocaleString("en")}, loss ${number(told.loss)} ·
        ${duration(told.seconds)} of training · ${ago(told.changed)}${told.in_use_by ? ` · ${told.in_use_by}` : ""}</p>`}
    ${told.has_model && html`<p><a class="button main" href=${`#/generate?model=${encodeURIComponent(name)}`}>Make videos with it</a></p>`}
    <${Curves} name=${name} />
    <${Lapse} name=${name} samples=${told.samples} prompts=${told.prompts} every=${told.config?.sample_every} />
    <${Quality} name=${name} run=${told} />
    <${Kept} name=${name} run=${told} jobs=${jobs} />
    <${Log} name=${name} />
    <section class="card" aria-label="Settings"><h2>Command and settings</h2>
      ${told.command ? html`<pre class="wrapped">${told.command}</pre>` : html`<p class="soft">No command was noted.</p>`}
      ${told.config && html`<details><summary>config.json</summary><pre class="log">${JSON.stringify(told.config, null, 1)}</pre></details>`}
    </section>`;
}

// A run has no folder before its process has begun: what its job says stands here, and we look again until it has.
function NotThere({ name, job, run }) {
  const [error, fail] = useState(null);
  const missing = run.error.status === 404, opens = missing && isOpen(job);
  useEffect(() => {
    const timer = missing ? setInterval(run.again, 1000) : 0;
    return () => clearInterval(timer);
  }, [missing]);
  const cancel = () => post("/api/job/cancel", { job: job.id }).catch(fail);
  if (opens) {
    return html`<div class="title"><h1 style="overflow-wrap:anywhere">${name}</h1><${State} state=${job.state} /></div>
      <div class="card empty" role="status"><h2>${job.state === "queued" ? "It waits for its turn" : "The training is starting"}</h2>
        <p>${job.state === "queued" ? "One training runs at a time. This one begins by itself when those before it are done." : "Its process takes some seconds to begin. Curves appear here by themselves."}</p>
        <${Wrong} error=${error} /><p><button class="danger" onClick=${cancel}>Cancel</button></p></div>`;
  }
  const title = !missing ? "This run cannot be shown" : job ? "It did not begin" : "There is no such run";
  return html`<div class="card empty"><h1>${title}</h1>
    <p>${missing ? job?.message || "It may have been deleted, or be in another folder than this studio's." : run.error.message}</p>
    <p><a class="button" href="#/runs">To the runs</a></p></div>`;
}

function Actions({ run, again }) {
  const [error, fail] = useState(null);
  const [question, put] = useState("");
  const act = async (what) => {
    put("");
    try {
      await what();
      fail(null);
      await again();
    } catch (found) {
      fail(found);
    }
  };
  const ask = (verb) => () => act(() => post(`/api/run/${verb}`, { run: run.id }));
  const busy = run.state === "training" || run.state === "evaluating", waits = run.state === "queued";
  return html`<div class="actions">
    ${run.state === "training" && html`<button onClick=${ask("pause")}>Pause</button>`}
    ${(busy || waits) && html`<button class="danger" onClick=${() => (waits ? ask("stop")() : put("stop"))}>${waits ? "Cancel" : "Stop"}</button>`}
    ${run.state === "paused" && html`<button class="main" onClick=${ask("resume")}>Go on</button>`}
    ${run.state === "finished" && html`<button onClick=${ask("evaluate")}>Measure</button>`}
    ${!busy && !waits && html`<button class="danger" onClick=${() => put("delete")}>Delete</button>`}
    ${question === "stop" && html`<${Question} title="Stop at once?" yes="Stop" onNo=${() => put("")} onYes=${ask("stop")}>
      <p>What was learned since the last checkpoint is lost; the run can go on from there. Pause saves first.</p></${Question}>`}
    ${question === "delete" && html`<${Question} title=${`Delete ${run.id}?`} yes="Delete for ever" typed=${run.id} onNo=${() => put("")}
      onYes=${() => act(async () => { await remove(at("/api/run", { run: run.id, confirm: run.id })); location.hash = "#/runs"; })}>
      <p>The model, its checkpoints and samples are removed from the disk.</p></${Question}>`}
    <${Wrong} error=${error} />
  </div>`;
}

function Curves({ name }) {
  const stages = useMetrics(name);
  const [what, show] = useState("loss");
  const [smooth, set] = useState(0);
  const [log, scale] = useState(true);
  const [chosen, choose] = useState(null);
  const names = Object.keys(stages || {});
  const stage = chosen && names.includes(chosen) ? chosen : names[names.length - 1];
  const table = stages?.[stage];
  const series = useMemo(() => (table ? [{ label: CURVES[what], x: table.step, y: table[what] || table.step.map(() => null) }] : []), [table, what]);
  return html`<section class="card" aria-label="Curves">
    <div class="tabs" role="group" aria-label="Which curve">${Object.entries(CURVES).map(([key, title]) => html`
      <button aria-pressed=${what === key} onClick=${() => show(key)}>${title}</button>`)}</div>
    <div class="row small" style="margin-bottom:.5rem">
      ${names.length > 1 && html`<label class="row">Stage <select style="width:auto" value=${stage} onChange=${(event) => choose(event.target.value)}>
        ${names.map((one) => html`<option value=${one} selected=${one === stage}>${TITLES[one] || one}</option>`)}</select></label>`}
      <label class="row">Smoothing <input style="width:9rem" type="range" min="0" max="0.98" step="0.02" value=${smooth} onInput=${(event) => set(Number(event.target.value))} /></label>
      <label class="row"><input type="checkbox" checked=${log} onChange=${(event) => scale(event.target.checked)} /> log scale</label>
      <span class="soft">drag or wheel: zoom, shift + wheel: pan, double click: all</span>
    </div>
    ${table ? html`<${Chart} key=${stage + what} series=${series} log=${log && what !== "mfu"} smooth=${smooth} label=${`${CURVES[what]}, ${TITLES[stage] || stage}`} />`
            : html`<p class="empty soft" style="min-height:260px">The curve begins with the first step.</p>`}
  </section>`;
}

function Lapse({ name, samples, prompts, every }) {
  const [place, go] = useState(null); // null = the newest, also when a newer one comes
  if (!samples.length) {
    return html`<section class="card" aria-label="Samples"><h2>The same prompts over the steps</h2>
      <p class="soft">${every ? `Every ${every.toLocaleString("en")} steps of the diffusion model its videos appear here.` : "This run makes no videos on the way: its sample_every is 0."}</p></section>`;
  }
  const index = place === null ? samples.length - 1 : Math.min(place, samples.length - 1), shown = samples[index];
  const file = (path) => at("/api/run/file", { run: name, path });
  return html`<section class="card" aria-label="Samples"><h2>The same prompts over the steps</h2>
    <div class="row"><label class="grow">Step <b>${shown.step.toLocaleString("en")}</b>
      <input type="range" min="0" max=${samples.length - 1} value=${index} onInput=${(event) => go(Number(event.target.value) === samples.length - 1 ? null : Number(event.target.value))} /></label></div>
    ${shown.video && html`<img class="picture" src=${file(shown.video)} alt=${`videos of ${prompts.join(", ")} at step ${shown.step}`} />`}
    <p class="small soft">from left to right: ${prompts.join(" · ")}</p>
    <details><summary>Frame by frame</summary><div class="scroll"><img src=${file(shown.sheet)} alt=${`frames of the same videos at step ${shown.step}`} /></div></details>
  </section>`;
}

function Quality({ name, run }) {
  const told = useAnswer(at("/api/run/evaluations", { run: name }), (event, data) => event === "run" && data === name);
  const [all, widen] = useState(false);
  const [newest, ...older] = told.value || [];
  const rows = Object.entries(newest?.measures || {}).map(([path, m]) => ({ ...named(path), path, m }));
  const rank = (row) => (ROWS.includes(row.last) ? ROWS.indexOf(row.last) : ROWS.length) + (row.group.includes("adherence.") && row.group !== "adherence.all" ? 50 : 0);
  const main = rows.filter((row) => ROWS.includes(row.last) && !/^(reconstruction\.|controls)/.test(row.group)).sort((a, b) => rank(a) - rank(b));
  const first = main.filter((row) => rank(row) < 50 || row.last === "all_correct");
  const head = main[0];
  return html`<section class="card" aria-label="Measured"><h2>Measured</h2>
    ${told.value && !newest ? html`<p class="soft">${run.has_model ? "Nothing was measured yet: press Measure." : "It can be measured when it is trained."}</p>` : null}
    ${newest && html`<div class="scroll"><table><thead><tr><td></td><th class="number">value</th><th class="number">95 % interval</th><th class="number">ceiling</th><th class="number">chance</th></tr></thead>
      <tbody>${(all ? rows : first).map(({ path, words, m }) => html`<tr key=${path}><th scope="row">${words}</th><td class="number">${shown(path, m.value)}</td>
        <td class="number">${m.low === null ? "" : `${shown(path, m.low)} to ${shown(path, m.high)}`}</td><td class="number">${shown(path, m.ceiling)}</td><td class="number">${shown(path, m.floor)}</td></tr>`)}</tbody></table></div>
      <p class="row small"><button onClick=${() => widen(!all)} aria-expanded=${all}>${all ? "The main ones" : `All ${rows.length} measures`}</button>
        ${run.report && html`<a href=${at("/api/run/file", { run: name, path: "report.html" })} target="_blank" rel="noopener">The whole report</a>`}</p>`}
    ${older.length && head ? html`<h3>Over time</h3><div class="scroll"><table><thead><tr><th>when</th><th class="number">steps</th>${first.slice(0, 4).map((row) => html`<th class="number">${row.words}</th>`)}</tr></thead>
      <tbody>${told.value.map((one) => html`<tr><td>${one.at ? new Date(one.at).toLocaleString() : ""}</td><td class="number">${one.step ?? ""}</td>
        ${first.slice(0, 4).map((row) => html`<td class="number">${shown(row.path, one.measures[row.path]?.value)}</td>`)}</tr>`)}</tbody></table></div>` : null}
  </section>`;
}

const STRIP = ["original", "latents, from −3 (black) to 3 standard deviations (white)", "reconstruction", "difference × 4"];

function Kept({ name, run, jobs }) {
  const [error, fail] = useState(null);
  const job = jobs.find((one) => one.kind === "strip" && one.subject === name);
  const open = isOpen(job);
  const look = async () => {
    try {
      await post("/api/strip", { run: name });
      if (job) await remove(at("/api/job", { job: job.id }));
      fail(null);
    } catch (found) {
      fail(found);
    }
  };
  const pixels = run.config?.vae.space === "pixels";
  return html`<section class="card" aria-label="What the VAE keeps"><h2>What the VAE keeps</h2>
    ${pixels ? html`<p class="soft">This run works on pixels: there is no VAE.</p>`
      : !run.has_model ? html`<p class="soft">Clips can be sent through the VAE when the run is trained to its end.</p>`
      : html`<p class="row"><button disabled=${open} onClick=${look}>${open ? "Looking …" : job ? "Look again" : "Look"}</button>
          <span class="small soft">${job ? html`<${State} state=${job.state} /> ${ago(job.created)}` : "Some clips that were not trained on, through the VAE and back."}</span></p>`}
    <${Wrong} error=${error} />
    ${job?.state === "failed" && html`<div class="message">${job.message}</div>`}
    ${!pixels && job?.videos.map((cell, clip) => html`<figure class="strip" key=${clip}>
      <figcaption><b>${cell.caption}</b> <span class="small soft">${cell.unseen ? "not trained on" : "trained on: none were kept for measuring"} · ${cell.frames} frames become ${cell.latents[1]} latent frames
        of ${cell.latents[2]} × ${cell.latents[3]} in ${cell.latents[0]} channels · ${cell.psnr} dB</span></figcaption>
      <div class="scroll" tabindex="0" role="group" aria-label=${`strip of ${cell.caption}`}>${STRIP.map((row, k) => html`<div key=${row}>
        <span class="small soft">${row}</span><img src=${at("/api/video", { job: job.id, number: STRIP.length * clip + k, form: "png" })} alt=${`${row} of ${cell.caption}, frame by frame`} /></div>`)}</div></figure>`)}
  </section>`;
}

function Log({ name }) {
  const log = useAnswer(at("/api/run/log", { run: name }), (event, data) => event === "run" && data === name);
  const box = useRef(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log.value]);
  return html`<section class="card" aria-label="Log"><h2>Log</h2><pre class="log" ref=${box} tabindex="0">${log.value?.log || "nothing yet"}</pre></section>`;
}
