// An interactive figure: the worker computes every position of a slider, the page only chooses which one is seen.
import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { at, post, useAnswer } from "./api.js";
import { Bar, State, Wrong, calm, isOpen } from "./parts.js";

// here: on the page that explains it.
export function Figure({ figure, jobs, here = false }) {
  const [wish, set] = useState({ prompt: "a red 7 moving left", number: 0 });
  const [asked, ask] = useState(null);
  const [shown, show] = useState(null); // the last job that was done: it stays until the next one is
  const [error, fail] = useState(null);
  const job = jobs.find((one) => one.id === asked);
  const busy = isOpen(job);
  const turn = useRef({ number: 0, open: null });
  const compute = async (next) => {
    const mine = ++turn.current.number, cancel = (id) => post("/api/job/cancel", { job: id }); // nobody waits for it any more
    set(next);
    try {
      if (turn.current.open) await cancel(turn.current.open);
      const { id } = await post("/api/figure", { figure: figure.name, ...next });
      if (mine !== turn.current.number) return await cancel(id);
      turn.current.open = id;
      ask(id);
      fail(null);
    } catch (found) {
      fail(found);
    }
  };
  useEffect(() => void compute(wish), []);
  useEffect(() => { if (job?.state === "done") show(job.id); }, [job?.state, asked]);
  return html`<section class=${here ? "" : "card"} aria-label=${figure.title}>
    ${!here && html`<h2>${figure.title}</h2>`}
    <p>${figure.text} ${!here && html`<a href=${figure.link} target="_blank" rel="noopener">Read: ${figure.read}</a>`}</p>
    <form class="row" onSubmit=${(event) => { event.preventDefault(); compute(wish); }}>
      ${figure.asks === "prompt" && html`<label class="row grow">Prompt <input class="grow" value=${wish.prompt} maxlength="500" onInput=${(event) => set({ ...wish, prompt: event.target.value })} /></label><button>Show it</button>`}
      <button type="button" onClick=${() => compute({ ...wish, number: wish.number + 1 })}>${figure.asks === "prompt" ? "Other noise" : "Another clip"}</button>
      ${job && !busy && job.state !== "done" && html`<button type="button" onClick=${() => compute(wish)}>Once more</button>`}
      ${job && job.state !== "done" && html`<${State} state=${job.state} />`}
    </form>
    <div class="said">${busy && html`<${Bar} done=${job.done} total=${job.total} label="computing the figure" />`}</div>
    ${job?.message && html`<p class=${job.state === "failed" ? "message" : "small soft"}>${job.message}</p>`}
    <${Wrong} error=${error} />
    ${shown && html`<${Moved} key=${shown} job=${shown} slider=${figure.slider} />`}
  </section>`;
}

function Moved({ job, slider }) {
  const told = useAnswer(at("/api/figure", { job }));
  const [position, move] = useState(null);
  const [frame, turn] = useState(0);
  const [plays, play] = useState(!calm());
  const figure = told.value, frames = figure?.panels[0].frames;
  useEffect(() => {
    if (!figure || !plays) return undefined;
    const clock = setInterval(() => turn((before) => (before + 1) % frames), 1000 / figure.fps);
    return () => clearInterval(clock);
  }, [figure, plays]);
  if (!figure) return html`<${Wrong} error=${told.error} />`;
  const place = position ?? figure.begin;
  return html`<div class="sliders">
      <label for="position">${slider}</label>
      <input id="position" type="range" min="0" max=${figure.values.length - 1} value=${place} aria-valuetext=${figure.values[place]} onInput=${(event) => move(Number(event.target.value))} />
      <output for="position">${figure.values[place]}</output>
      <label for="frame">frame</label>
      <input id="frame" type="range" min="0" max=${frames - 1} value=${frame} onInput=${(event) => { play(false); turn(Number(event.target.value)); }} />
      <button type="button" onClick=${() => play(!plays)}>${plays ? "Pause" : "Play"}</button>
    </div>
    <p aria-live="polite" class="figure-said">${figure.said[place]}</p>
    <div class="panels">${figure.panels.map((panel, number) => html`<figure key=${number}>
      <${Panel} job=${job} number=${number} panel=${panel} position=${place} frame=${frame} /><figcaption class="small">${panel.caption}</figcaption></figure>`)}</div>`;
}

// One picture holds every position (rows) at every frame (columns): moving a slider asks for nothing.
function Panel({ job, number, panel, position, frame }) {
  const box = useRef(null);
  const [sheet, have] = useState(null);
  useEffect(() => {
    const image = new Image();
    image.onload = () => have(image);
    image.src = at("/api/video", { job, number, form: "png" });
    return () => (image.onload = null);
  }, [job, number]);
  useEffect(() => {
    const { width, height } = panel;
    if (sheet) box.current.getContext("2d").drawImage(sheet, frame * width, position * height, width, height, 0, 0, width, height);
  }, [sheet, position, frame]);
  return html`<canvas ref=${box} class="picture" width=${panel.width} height=${panel.height} role="img" aria-label=${panel.caption}></canvas>`;
}
