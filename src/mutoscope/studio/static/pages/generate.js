// Make videos: what to ask for, the queue with a look at each step, the gallery, and one beside another.
import { html, useState } from "../vendor/preact-htm.js";
import { Refusal, ask, at, post, remove, useAnswer } from "../api.js";
import { Bar, Field, Loading, State, Video, Wrong, isOpen, resolved } from "../parts.js";
import { ago, percent, plural } from "../words.js";

const EXAMPLE = "a red 7 moving left";
const PLAIN = ["negative", "frames", "sampler", "steps", "guidance", "guidance_method"];

export function GeneratePage({ values, jobs }) {
  const models = useAnswer("/api/models", (event) => event === "run");
  const form = useAnswer("/api/generate/form");
  const [wish, set] = useState({ model: values.get("model") || "", prompts: null, seeds: [0] });
  const [compared, compare] = useState([]);
  if (!models.value || !form.value) return html`<${Wrong} error=${models.error || form.error} />${!models.error && html`<${Loading} what="the models" />`}`;
  const mine = jobs.filter((job) => job.kind === "generate"), looks = jobs.filter((job) => job.kind === "words");
  const toggle = (one) => compare((before) => (before.some((b) => same(b, one)) ? before.filter((b) => !same(b, one)) : [...before, one]));
  return html`
    <div class="title"><h1>Generate</h1></div>
    <div class="two">
      <${Wish} models=${models.value} schema=${form.value} wish=${wish} set=${set} />
      <div>
        ${compared.length > 0 && html`<${Beside} chosen=${compared} drop=${toggle} clear=${() => compare([])} />`}
        ${mine.length === 0 && html`<div class="card empty"><h2>No video yet</h2><p>Say what to show, and press the button: the first video takes about ten seconds, the next ones one or two.</p></div>`}
        ${mine.map((job) => html`<${Made} key=${job.id} job=${job} looks=${looks.filter((look) => look.payload.job === job.id)} again=${(request) => { set(request); scrollTo(0, 0); }} compared=${compared} toggle=${toggle} />`)}
      </div>
    </div>`;
}

const same = (a, b) => a.job === b.job && a.number === b.number;

function Wish({ models, schema, wish, set }) {
  const [error, fail] = useState(null);
  const [busy, wait] = useState(false);
  const model = models.find((one) => one.id === wish.model) || models[0];
  const wrong = error?.fields || {}, prompts = wish.prompts ?? [model?.prompts[0] ?? EXAMPLE]; // null = not typed yet
  const change = (name) => (value) => set((before) => ({ ...before, [name]: value }));
  const property = (name) => resolved(schema.properties[name], schema);
  const own = { frames: model?.frames, sampler: model?.sampling.sampler, steps: model?.sampling.steps, guidance: model?.sampling.guidance_scale, guidance_method: model?.sampling.guidance };
  const count = Math.max(1, prompts.length) * Math.max(1, wish.seeds.length) * Math.max(1, (wish.steps || []).length || 1) * Math.max(1, (wish.guidance || []).length || 1);
  const send = async (event) => {
    event.preventDefault();
    wait(true);
    try {
      await post("/api/generate", { ...wish, prompts, model: model?.id ?? "" });
      fail(null);
    } catch (found) {
      fail(found);
    }
    wait(false);
  };
  const upload = async (file) => {
    set((before) => ({ ...before, start: "" })); // what was chosen before is not what is shown now
    if (!file) return fail(null);
    try {
      if (file.size > 32 * 2 ** 20) throw new Refusal("the file is larger than 32 MiB. Cut it, or make it smaller.", {}, 0);
      const { name } = await ask("/api/upload", { method: "POST", body: file });
      set((before) => ({ ...before, start: name, start_is: file.type.startsWith("image/") && !file.type.includes("gif") ? "first_frame" : "clip" }));
      fail(null);
    } catch (found) {
      fail(new Refusal(found.message, { start: found.message }, found.status));
    }
  };
  const at = (name) => Object.entries(wrong).find(([path]) => path === name || path.startsWith(`${name}.`))?.[1];
  const known = ["model", "prompts", "seeds", "start", ...PLAIN];
  return html`<form class="card" onSubmit=${send} noValidate>
    <div class="field"><label for="model">Model</label>
      <select id="model" value=${model?.id} onChange=${(event) => change("model")(event.target.value)}>
        ${models.map((one) => html`<option value=${one.id} selected=${one.id === model?.id}>${one.name}, ${one.frames} frames of ${one.height} x ${one.width}</option>`)}</select>
      ${at("model") && html`<span class="wrong" role="alert">${at("model")}</span>`}</div>
    <${Field} name="prompts" path="prompts" schema=${{ ...property("prompts"), lines: true, description: "What to show, a line for each video." }}
      value=${prompts} wrong=${at("prompts")} onChange=${change("prompts")} />
    ${model?.prompts.length ? html`<div class="row small" style="margin-bottom:.8rem">try ${model.prompts.slice(0, 3).map((prompt) => html`<button type="button" onClick=${() => change("prompts")([prompt])}>${prompt}</button>`)}</div>` : null}
    <div class="row" style="align-items:flex-start"><div class="grow"><${Field} name="seeds" path="seeds" schema=${{ ...property("seeds"), description: "The same seed gives the same video. Several: each prompt with each." }}
      value=${wish.seeds} wrong=${at("seeds")} onChange=${change("seeds")} /></div>
      <button type="button" style="margin-top:1.5rem" onClick=${() => change("seeds")([Math.floor(Math.random() * 1e6)])}>Another</button></div>
    <details><summary>Settings</summary><div class="fields">
      ${PLAIN.map((name) => html`<${Field} key=${name} name=${name} path=${name} schema=${{ ...property(name), description: `${property(name).description || ""}${own[name] !== undefined ? ` Its own: ${own[name]}.` : ""}` }}
        value=${wish[name] ?? (property(name).type === "array" ? [] : property(name).nullable ? null : "")} wrong=${at(name)} onChange=${change(name)} />`)}
      ${model?.gives_frames && html`<div class="field"><label for="start">begin with</label>
        <input id="start" type="file" accept="image/*,video/mp4,video/webm" onChange=${(event) => upload(event.target.files[0])} />
        <span class="help">A picture, or a clip to go on from.</span>${at("start") && html`<span class="wrong" role="alert">${at("start")}</span>`}</div>`}
    </div></details>
    ${error && !Object.keys(wrong).some((path) => known.includes(path.split(".")[0])) ? html`<${Wrong} error=${error} />` : null}
    <p><button class="main" disabled=${busy}>${busy ? "Asking …" : count > 1 ? `Make ${count} videos` : "Make the video"}</button></p>
  </form>`;
}

function Made({ job, looks, again, compared, toggle }) {
  const [error, fail] = useState(null);
  const act = async (what) => {
    try { await what(); fail(null); } catch (found) { fail(found); }
  };
  const open = isOpen(job);
  const request = job.payload;
  const grid = job.videos.length > 1 && (request.seeds.length > 1 || (request.steps.length > 1 && request.guidance.length > 1));
  return html`<article class="card" aria-label=${job.title}>
    <div class="row"><h2 class="grow" style="overflow-wrap:anywhere">${job.title}</h2><${State} state=${job.state} /></div>
    <p class="small soft">${job.subject || "packaged"} · ${ago(job.created)}</p>
    ${open && html`<${Bar} done=${job.done} total=${job.total} label="progress" />`}
    ${job.state === "running" && job.done > 0 && job.videos.length === 0 && html`<figure style="margin:.6rem 0"><img class="picture" style="max-width:24rem" src=${at("/api/preview", { job: job.id, step: job.done })}
      alt="what the network takes for the video at this step" onError=${(event) => (event.target.style.visibility = "hidden")} onLoad=${(event) => (event.target.style.visibility = "visible")} />
      <figcaption class="small soft">step ${job.done} of ${job.total}: what the network takes for the video now</figcaption></figure>`}
    ${job.message && html`<p class=${job.state === "failed" ? "message" : "small soft"}>${job.message}</p>`}
    ${grid ? html`<${Grid} job=${job} looks=${looks} compared=${compared} toggle=${toggle} />`
           : html`<div class="gallery">${job.videos.map((cell, number) => html`<${Cell} key=${number} job=${job} number=${number} cell=${cell} look=${looks.find((look) => look.payload.number === number)} compared=${compared} toggle=${toggle} />`)}</div>`}
    <${Wrong} error=${error} />
    <div class="row" style="margin-top:.6rem">
      ${open && html`<button class="danger" onClick=${() => act(() => post("/api/job/cancel", { job: job.id }))}>Cancel</button>`}
      ${["failed", "cancelled", "interrupted"].includes(job.state) && html`<button onClick=${() => act(() => post("/api/job/again", { job: job.id }))}>Once more</button>`}
      <button onClick=${() => again({ ...request })}>Change one thing</button>
      ${!open && html`<button class="danger" onClick=${() => act(() => Promise.all([job, ...looks].map((one) => remove(at("/api/job", { job: one.id })))))}>Remove</button>`}
    </div>
  </article>`;
}

const BEGINS = { first_frame: "from a picture", clip: "on from a clip" };
const settings = (cell, request) =>
  [`seed ${cell.seed}`, `${cell.steps} steps`, `guidance ${cell.guidance}`, request.guidance_method, cell.sampler, `${cell.num_frames} frames`,
    cell.negative && `not ${cell.negative}`, request.start && BEGINS[request.start_is]].filter(Boolean).join(" · ");

function Cell({ job, number, cell, look, compared, toggle, bare }) {
  const [shown, show] = useState(null); // number of the overlay; null = the video itself
  const one = { job: job.id, request: job.payload, number, cell }, heat = look?.state === "done" && shown !== null;
  const src = at("/api/video", heat ? { job: look.id, number: shown } : { job: job.id, number });
  return html`<figure><${Video} key=${src} tile src=${src} label=${`${cell.prompt}, ${settings(cell, job.payload)}${heat ? ", under the attention to a word" : ""}`} />
    <figcaption>${!bare && html`${cell.prompt}<br /><span class="soft">${settings(cell, job.payload)}</span><br />`}
      ${["mp4", "webm", "gif"].map((form) => html`<a href=${at("/api/video", { job: job.id, number, form })} download=${`${cell.prompt.replace(/[^\w]+/g, "-")}-${cell.seed}.${form}`}>${form}</a> `)}
      <label class="row"><input type="checkbox" checked=${compared.some((b) => same(b, one))} onChange=${() => toggle(one)} /> beside others</label>
      <${Words} job=${job.id} number=${number} look=${look} shown=${shown} show=${show} /></figcaption>
  </figure>`;
}

const PARTS = ["first third", "middle third", "last third", "all"]; // as the worker numbers them

// What each word of a video looked at: asked for once, then a word is chosen and the video shows its heat.
function Words({ job, number, look, shown, show }) {
  const [error, fail] = useState(null);
  const [part, take] = useState(PARTS.length - 1);
  const [word, choose] = useState(null);
  const ask = async () => {
    try {
      await (look ? post("/api/job/again", { job: look.id }) : post("/api/words", { job, number }));
      fail(null);
    } catch (found) {
      fail(found);
    }
  };
  const turn = (to, during) => {
    choose(to);
    take(during);
    show(to === null ? null : PARTS.length * to + during);
  };
  if (!look || ["failed", "cancelled", "interrupted"].includes(look.state)) {
    return html`<p style="margin:.4rem 0 0"><button onClick=${ask}>What did each word look at?</button></p>
      ${look?.message && html`<div class="message">${look.message}</div>`}<${Wrong} error=${error} />`;
  }
  if (look.state !== "done") return html`<p style="margin:.4rem 0 0"><${State} state=${look.state} /></p><${Bar} done=${look.done} total=${look.total} label="steps, looking at words" />`;
  return html`<div class="looked" role="group" aria-label="What did each word look at?">
    <button aria-pressed=${shown === null} onClick=${() => turn(null, part)}>video</button>
    ${look.videos.map((one, k) => html`<button key=${k} aria-pressed=${word === k} title=${one.word ? "its share of all attention" : "the marks of beginning and end, which stand for no word, and their share of all attention"} onClick=${() => turn(k, part)}>${one.word || "(marks)"} <span class="soft">${percent(one.share)}</span></button>`)}
    <label class="row">steps <select value=${part} onChange=${(event) => turn(word, Number(event.target.value))}>${PARTS.map((name, k) => html`<option value=${k} selected=${k === part}>${name}</option>`)}</select></label>
  </div>`;
}

// Prompts down and seeds across, or guidance down and steps across.
function Grid({ job, looks, compared, toggle }) {
  const { prompts, seeds, steps, guidance } = job.payload;
  const bySetting = steps.length > 1 && guidance.length > 1;
  const rows = bySetting ? guidance : prompts, columns = bySetting ? steps : seeds;
  const find = (row, column) => job.videos.findIndex((cell) => (bySetting ? cell.guidance === row && cell.steps === column : cell.prompt === row && cell.seed === column));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Videos"><table class="grid"><thead><tr><td></td>${columns.map((column) => html`<th scope="col">${bySetting ? plural(column, "step") : `seed ${column}`}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${bySetting ? `guidance ${row}` : row}</th>
      ${columns.map((column) => { const number = find(row, column); return html`<td>${number < 0 ? "…" : html`<${Cell} bare job=${job} number=${number} cell=${job.videos[number]} look=${looks.find((look) => look.payload.number === number)} compared=${compared} toggle=${toggle} />`}</td>`; })}</tr>`)}</tbody></table></div>`;
}

function Beside({ chosen, drop, clear }) {
  return html`<section class="card" aria-label="Beside each other"><div class="row"><h2 class="grow">Beside each other</h2><button onClick=${clear}>Clear</button></div>
    <div class="gallery" style="grid-template-columns:repeat(auto-fill,minmax(min(46%,16rem),1fr))">${chosen.map((one) => html`<figure key=${one.job + one.number}>
      <${Video} tile src=${at("/api/video", { job: one.job, number: one.number })} label=${one.cell.prompt} />
      <figcaption>${one.cell.prompt}<br /><span class="soft">${settings(one.cell, one.request)}</span><br /><button onClick=${() => drop(one)}>Take away</button></figcaption></figure>`)}</div></section>`;
}
