// Several runs beside each other: curves, what was measured, what differs in their settings, the same prompts.
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { at, post, useAnswer } from "../api.js";
import { COLOURS, Chart } from "../chart.js";
import { ROWS, named, shown } from "../measures.js";
import { CURVES, useMetrics } from "../metrics.js";
import { Bar, Field, Loading, State, Video, Wrong, isOpen } from "../parts.js";
import { TITLES, duration, plural } from "../words.js";

const MOST = 8, FIRST = 15, EXAMPLE = "a red 7 moving left";

// What is kept in the address: #/compare?runs=a,b&jobs=1,2. A comma inside a name is written %2C.
const listed = (values, name) => (values.get(name) || "").split(",").filter(Boolean).map((one) => one.replaceAll("%2C", ","));
const written = (list) => encodeURIComponent(list.map((one) => one.replaceAll(",", "%2C")).join(",")).replace(/%2C/g, ",").replace(/%2F/g, "/");

export function ComparePage({ values, jobs }) {
  const runs = useAnswer("/api/runs", (event) => event === "run" || event === "jobs");
  const [chosen, choose] = useState(listed(values, "runs").slice(0, MOST));
  const [asked, note] = useState(listed(values, "jobs"));
  useEffect(() => { // the address was changed by hand, or by a link
    choose(listed(values, "runs").slice(0, MOST));
    note(listed(values, "jobs"));
  }, [values]);
  useEffect(() => { // no new page in the history for each box that is ticked
    const query = [chosen.length && `runs=${written(chosen)}`, asked.length && `jobs=${written(asked)}`].filter(Boolean).join("&");
    history.replaceState(null, "", `#/compare${query ? `?${query}` : ""}`);
  }, [chosen, asked]);
  const query = new URLSearchParams(chosen.map((run) => ["run", run]));
  const answer = useAnswer(chosen.length ? `/api/compare?${query}` : null, (event, data) => event === "run" && chosen.includes(data));
  const last = useRef([]); // shown until the next answer is there, so that nothing jumps
  if (answer.value) last.current = answer.value;
  const told = chosen.map((run) => last.current.find((one) => one.id === run) || { id: run, stages: {}, measures: {}, config: null, waits: true });
  if (!runs.value) return html`<${Wrong} error=${runs.error} />${!runs.error && html`<${Loading} what="the runs" />`}`;
  return html`
    <div class="title"><h1>Compare</h1></div>
    <${Choice} runs=${runs.value} chosen=${chosen} choose=${choose} />
    <${Wrong} error=${answer.error} />
    ${chosen.length === 0
      ? html`<div class="card empty"><h2>${runs.value.length ? "Choose two runs or more" : "There is nothing to compare yet"}</h2>
          <p>${runs.value.length ? "Their curves, measurements, settings and videos appear here, beside each other." : html`<a class="button main" href="#/train">Start a run</a>`}</p></div>`
      : html`<${Curves} chosen=${chosen} />
        <${Measured} told=${told} />
        <${Differences} told=${told} />
        <${Prompts} told=${told} jobs=${jobs} asked=${asked} note=${note} />`}`;
}

const colour = (index) => COLOURS[index % COLOURS.length];
const Dot = ({ index }) => html`<span class="dot" style=${`background:${colour(index)}`} aria-hidden="true"></span>`;

function Choice({ runs, chosen, choose }) {
  const [wanted, want] = useState("");
  const gone = chosen.filter((id) => !runs.some((run) => run.id === id)).map((id) => ({ id })); // from an old address: to be taken away
  const found = [...gone, ...runs.filter((run) => run.id.toLowerCase().includes(wanted.toLowerCase()))];
  const full = chosen.length >= MOST;
  return html`<section class="card" aria-label="Runs to compare">
    <div class="row"><h2 class="grow" style="margin:0">Runs</h2>
      ${runs.length > 6 && html`<input style="max-width:16rem" type="search" aria-label="Find a run" placeholder="Find a run" value=${wanted} onInput=${(event) => want(event.target.value)} />`}</div>
    <p class="small soft" role="status" style="margin:.2rem 0">${chosen.length} of ${MOST} at most are chosen. The address of this page names them: keep it, or send it.</p>
    <div class="choices" role="group" aria-label="Runs">${found.slice(0, 300).map((run) => {
      const index = chosen.indexOf(run.id);
      return html`<label key=${run.id} class="row"><input type="checkbox" checked=${index >= 0} disabled=${full && index < 0}
        onChange=${() => choose(index < 0 ? [...chosen, run.id] : chosen.filter((one) => one !== run.id))} />
        ${index >= 0 && html`<${Dot} index=${index} />`}<span class="grow">${run.id}</span></label>`;
    })}</div>
    ${chosen.length > 0 && html`<p style="margin:.6rem 0 0"><button onClick=${() => choose([])}>Choose none</button></p>`}
  </section>`;
}

// Reads one run's metrics and hands them up; a part of its own, because their number changes.
function Feed({ name, give }) {
  const stages = useMetrics(name);
  useEffect(() => give(name, stages), [stages]);
  return null;
}

function Curves({ chosen }) {
  const [tables, put] = useState({});
  const give = useCallback((name, stages) => put((before) => ({ ...before, [name]: stages })), []);
  const [what, show] = useState("loss");
  const [axis, turn] = useState("step");
  const [smooth, set] = useState(0);
  const [log, scale] = useState(true);
  const [wish, choose] = useState(null);
  const names = Object.keys(TITLES).filter((stage) => chosen.some((run) => tables[run]?.[stage]));
  const stage = names.includes(wish) ? wish : names[names.length - 1];
  const series = useMemo(() => chosen.flatMap((run, index) => {
    const table = tables[run]?.[stage];
    return table?.[what] ? [{ label: run, colour: colour(index), ...growing(table[axis] || table.step, table[what]) }] : [];
  }), [chosen, tables, stage, what, axis]);
  return html`<section class="card" aria-label="Curves">
    ${chosen.map((run) => html`<${Feed} key=${run} name=${run} give=${give} />`)}
    <div class="tabs" role="group" aria-label="Which curve">${Object.entries(CURVES).map(([key, title]) => html`
      <button aria-pressed=${what === key} onClick=${() => show(key)}>${title}</button>`)}</div>
    <div class="row small" style="margin-bottom:.5rem">
      <label class="row">Stage <select style="width:auto" value=${stage} onChange=${(event) => choose(event.target.value)}>
        ${names.map((one) => html`<option value=${one} selected=${one === stage}>${TITLES[one]}</option>`)}</select></label>
      <label class="row">Over <select style="width:auto" value=${axis} onChange=${(event) => turn(event.target.value)}>
        <option value="step">steps</option><option value="seconds">seconds of training</option></select></label>
      <label class="row">Smoothing <input style="width:9rem" type="range" min="0" max="0.98" step="0.02" value=${smooth} onInput=${(event) => set(Number(event.target.value))} /></label>
      <label class="row"><input type="checkbox" checked=${log} onChange=${(event) => scale(event.target.checked)} /> log scale</label>
      <span class="soft">drag or wheel: zoom, shift + wheel: pan, double click: all</span>
    </div>
    ${series.length ? html`<${Chart} key=${stage + what + axis} series=${series} x=${axis === "step" ? "step" : "seconds of training"} height=${320}
        log=${log && what !== "mfu"} smooth=${smooth} label=${`${CURVES[what]}, ${TITLES[stage]}`} />`
      : html`<p class="empty soft" style="min-height:320px">None of these runs has logged this yet.</p>`}
  </section>`;
}

// Points in order: what was trained after going back to a checkpoint counts, what went before it does not.
function growing(x, y) {
  const keep = [];
  for (let k = x.length - 1, next = Infinity; k >= 0; k--) if (x[k] !== null && x[k] < next) { keep.push(k); next = x[k]; }
  keep.reverse();
  return { x: keep.map((k) => x[k]), y: keep.map((k) => y[k]) };
}

function Head({ told, first }) {
  return html`<thead><tr><th><span class="soft">${first}</span></th>${told.map((one, index) => html`
    <th scope="col" key=${one.id}><${Dot} index=${index} /> <a href=${`#/run/${encodeURIComponent(one.id)}`}>${one.id}</a></th>`)}</tr></thead>`;
}

function Measured({ told }) {
  const [all, widen] = useState(false);
  const paths = [...new Set(told.flatMap((one) => Object.keys(one.measures)))].map((path) => ({ path, ...named(path) }));
  const main = paths.filter(({ last, group }) => ROWS.includes(last) && ["", "VAE", "VAE, never seen", "VAE, trained on"].includes(titleOf(group)) && !(group === "reconstruction" && last !== "psnr"))
    .sort((a, b) => ROWS.indexOf(a.last) - ROWS.indexOf(b.last));
  const stages = [...new Set(told.flatMap((one) => Object.keys(one.stages)))];
  const of = (stage, name) => (one) => one.stages[stage]?.[name];
  const facts = [
    ["state", (one) => (one.problem ? one.problem : one.state ? html`<${State} state=${one.state} />` : "…")],
    ["training time", (one) => (one.seconds ? duration(one.seconds) : "")],
    ...stages.flatMap((stage) => [
      [`steps, ${TITLES[stage] || stage}`, (one) => of(stage, "steps")(one)?.toLocaleString("en") ?? ""],
      [`parameters, ${TITLES[stage] || stage}`, (one) => of(stage, "parameters")(one)?.toLocaleString("en") ?? ""],
    ]),
  ];
  return html`<section class="card" aria-label="Measured"><h2>Measured</h2>
    <div class="scroll" tabindex="0" role="group" aria-label="Table of measurements"><table class="beside">
      <${Head} told=${told} first="value (95 % interval), ceiling" />
      <tbody>
        ${(all ? paths : main).map(({ path, words }) => html`<tr key=${path}><th scope="row">${words}</th>${told.map((one) => html`<td>${one.measures[path] ? html`<${Value} path=${path} m=${one.measures[path]} />` : "–"}</td>`)}</tr>`)}
        ${facts.map(([title, tell]) => html`<tr key=${title}><th scope="row">${title}</th>${told.map((one) => html`<td>${tell(one) || "–"}</td>`)}</tr>`)}
      </tbody></table></div>
    ${told.some((one) => one.state && !one.problem && !Object.keys(one.measures).length) && html`<p class="small soft">Of runs without numbers nothing was measured yet: open them and press Measure.</p>`}
    ${paths.length > main.length && html`<p class="small"><button onClick=${() => widen(!all)} aria-expanded=${all}>${all ? "The main ones" : `All ${paths.length} measures`}</button></p>`}
  </section>`;
}

const titleOf = (group) => named(`${group}.x`).words.replace(/^x(, )?/, "");

function Value({ path, m }) {
  return html`<b>${shown(path, m.value)}</b>${m.low !== null && html` <span class="soft nowrap">(${shown(path, m.low)} to ${shown(path, m.high)})</span>`}
    ${m.ceiling !== null && html`<br /><span class="small soft">ceiling ${shown(path, m.ceiling)}</span>`}`;
}

function Differences({ told }) {
  const known = told.filter((one) => one.config);
  const flat = known.map((one) => leaves(one.config, ""));
  const names = [...new Set(flat.flatMap((table) => Object.keys(table)))].filter((name) => new Set(flat.map((table) => table[name])).size > 1);
  const [all, widen] = useState(false);
  if (known.length < 2) return null;
  const cell = (one, name) => flat[known.indexOf(one)]?.[name] ?? "–";
  return html`<section class="card" aria-label="Settings that differ"><h2>Settings that differ</h2>
    ${names.length === 0 ? html`<p class="soft">None: these runs have the same settings.</p>`
      : html`<div class="scroll" tabindex="0" role="group" aria-label="Table of settings"><table class="beside"><${Head} told=${told} first=${plural(names.length, "setting")} />
        <tbody>${(all ? names : names.slice(0, FIRST)).map((name) => html`<tr key=${name}><th scope="row"><code class="small">${breaking(name)}</code></th>${told.map((one) => html`<td>${cell(one, name)}</td>`)}</tr>`)}</tbody></table></div>`}
    ${names.length > FIRST && html`<p class="small"><button onClick=${() => widen(!all)} aria-expanded=${all}>${all ? "The first ones" : `All ${names.length} settings`}</button></p>`}
  </section>`;
}

// Long dotted names break where their parts do.
const breaking = (name) => name.split(/(?<=[._])/).map((part) => html`${part}<wbr />`);

// {"a": {"b": [1, 2]}} -> {"a.b": "1 2"}
function leaves(value, path) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return { [path]: Array.isArray(value) ? value.join(", ") : String(value ?? "none") };
  return Object.assign({}, ...Object.entries(value).map(([name, inner]) => leaves(inner, path ? `${path}.${name}` : name)));
}

function Prompts({ told, jobs, asked, note }) {
  const able = told.filter((one) => one.has_model);
  const [prompts, say] = useState(null); // null = those of the first run
  const [seed, sow] = useState(0);
  const [busy, wait] = useState(false);
  const [wrong, fail] = useState([]);
  const own = able.find((one) => one.prompts.length)?.prompts || [EXAMPLE];
  const wish = prompts ?? own.slice(0, 4);
  const send = async (event) => {
    event.preventDefault();
    wait(true);
    const answers = await Promise.allSettled(able.map((one) => post("/api/generate", { model: one.id, prompts: wish, seeds: [seed] })));
    const made = answers.filter((one) => one.status === "fulfilled").map((one) => one.value.id);
    if (made.length) note(made);
    fail(answers.flatMap((one, k) => (one.status === "rejected" ? [`${able[k].id}: ${one.reason.message}`] : [])));
    wait(false);
  };
  const shownJobs = asked.map((id) => jobs.find((job) => job.id === id) || { id, gone: true });
  return html`<section class="card" aria-label="The same prompts"><h2>The same prompts from each model</h2>
    ${able.length === 0 ? html`<p class="soft">None of these runs has a trained model yet.</p>` : html`<form onSubmit=${send} noValidate style="max-width:44rem">
      <${Field} name="prompts" path="prompts" schema=${{ type: "array", lines: true, items: { type: "string" }, description: "What to show, a line for each video." }} value=${wish} onChange=${say} />
        <${Field} name="seed" path="seed" schema=${{ type: "integer", minimum: 0, description: "The same for every model." }} value=${seed} onChange=${sow} />
      ${wrong.map((words) => html`<div class="message" role="alert">${words}</div>`)}
      <p><button class="main" disabled=${busy}>${busy ? "Asking …" : `Make ${plural(wish.length * able.length, "video")} with ${plural(able.length, "model")}`}</button></p>
    </form>`}
    ${asked.length > 0 && html`<${Results} jobs=${shownJobs} chosen=${told.map((one) => one.id)} clear=${() => note([])} />`}
  </section>`;
}

function Results({ jobs, chosen, clear }) {
  const there = jobs.filter((job) => !job.gone);
  const prompts = [...new Set(there.flatMap((job) => job.payload.prompts))];
  const open = there.filter(isOpen);
  const dot = (job) => chosen.includes(job.subject) && html`<${Dot} index=${chosen.indexOf(job.subject)} /> `;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Videos: prompts down, models across"><table class="beside films">
    <thead><tr><th><span class="soft">${there.length ? `seed ${there[0].payload.seeds[0]}` : ""}</span></th>${jobs.map((job) => html`<th scope="col" key=${job.id}>
      ${job.gone ? html`<span class="soft">removed</span>` : html`${dot(job)}${job.subject}<br /><${State} state=${job.state} /><${Bar} done=${job.done} total=${job.total} label=${`steps of ${job.subject}`} />
        ${job.message && html`<span class="small soft">${job.message}</span>`}`}</th>`)}</tr></thead>
    <tbody>${prompts.map((prompt) => html`<tr key=${prompt}><th scope="row">${prompt}</th>${jobs.map((job) => {
      const number = job.gone ? -1 : job.videos.findIndex((cell) => cell.prompt === prompt);
      return html`<td key=${job.id}><div class="tile">${number >= 0 && html`<${Video} tile src=${at("/api/video", { job: job.id, number })} label=${`${prompt}, by ${job.subject}`} />`}</div></td>`;
    })}</tr>`)}</tbody></table></div>
    <p class="row">${open.length > 0 && html`<button class="danger" onClick=${() => open.forEach((job) => post("/api/job/cancel", { job: job.id }).catch(() => {}))}>Cancel</button>`}
      <button onClick=${clear}>Clear the table</button><span class="small soft">The videos stay in the list of Generate.</span></p>`;
}
