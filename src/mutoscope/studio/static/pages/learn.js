// The course: chapters to read or to run, figures to move, exercises to solve here.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { post, useAnswer } from "../api.js";
import { Loading, State, Wrong } from "../parts.js";
import { Ask } from "../ask.js";
import { Figures } from "./figures.js";

const kept = (name) => `answer-${name}`;

const TABS = [["", "Chapters"], ["figures", "Figures"], ["exercises", "Exercises"], ["ask", "Ask"]];

export function LearnPage({ name, values, jobs }) {
  const course = useAnswer("/api/learn");
  const runs = jobs.filter((job) => job.kind === "chapter").map((job) => job.id + job.state).join();
  useEffect(() => { if (runs) course.again(); }, [runs]); // a chapter that was run has another page
  if (!course.value) return html`<${Wrong} error=${course.error} />${!course.error && html`<${Loading} what="the course" />`}`;
  const { chapters, problem, exercises } = course.value;
  return html`
    <div class="title"><h1>Learn</h1></div>
    <p class="soft">How a video model works, by running the real thing: read a chapter, move what it is about, write its parts yourself.</p>
    <nav class="tabs" aria-label="Of the course">${TABS.map(([tab, title]) => html`
      <a class="button" key=${tab} href=${`#/learn${tab && `/${tab}`}`} aria-current=${tab === name ? "page" : undefined}>${title}</a>`)}</nav>
    ${name === "figures" ? html`<${Figures} chosen=${values.get("figure")} jobs=${jobs} />`
      : name === "exercises" ? html`<${Exercises} exercises=${exercises} name=${values.get("exercise")} />`
      : name === "ask" ? html`<section class="card" aria-label="Ask"><h2>Ask about the course</h2><${Ask} chapters=${chapters} /></section>`
      : html`${problem && html`<div class="message plain">The chapters cannot be read: ${problem}</div>`}
        <div class="cards">${chapters.map((one) => html`<${Chapter} key=${one.name} chapter=${one} job=${jobs.find((job) => job.kind === "chapter" && job.payload.chapter === one.name)} />`)}</div>`}`;
}

function Chapter({ chapter, job }) {
  const [error, fail] = useState(null);
  const open = job?.state === "queued" || job?.state === "running";
  const act = async (path, body) => {
    try { await post(path, body); fail(null); } catch (found) { fail(found); }
  };
  return html`<article class="card" aria-label=${chapter.title}>
    <h2>${chapter.title}</h2>
    <ol class="small">${chapter.sections.map((title) => html`<li>${title}</li>`)}</ol>
    <div class="row"><a class="button main" href=${`/learn/${chapter.name}.html`} target="_blank" rel="noopener">Read</a>
      ${open ? html`<button class="danger" onClick=${() => act("/api/job/cancel", { job: job.id })}>Stop</button>`
             : html`<button onClick=${() => act("/api/learn/run", { chapter: chapter.name })}>${chapter.built ? "Run it again" : "Run its cells"}</button>`}
      ${job && job.state !== "done" && html`<${State} state=${job.state} />`}</div>
    ${job?.message && html`<p class="small">${job.message}</p>`}
    <p class="small soft">${open ? "Its pictures and numbers appear in the page when all cells are done, some minutes from now." : chapter.built ? "With what its cells show, as it was run here."
      : "The page shows pictures and numbers after its cells were run. In Jupyter you run them one by one: "}
      ${!open && html`<a href=${`/learn/${chapter.name}.ipynb`} download=${`${chapter.name}.ipynb`}>notebook</a>`}</p>
    <${Wrong} error=${error} />
  </article>`;
}

function Exercises({ exercises, name }) {
  const chosen = exercises.find((one) => one.name === name);
  return html`<div class="tabs" role="group" aria-label="Exercises">${exercises.map((one) => html`
      <a class="button" key=${one.name} href=${`#/learn/exercises?exercise=${one.name}`} aria-current=${one === chosen ? "true" : undefined}>${one.title} <span class="soft small">chapter ${one.chapter}</span></a>`)}</div>
    ${chosen ? html`<${Exercise} key=${chosen.name} exercise=${chosen} />`
             : html`<div class="card empty"><p>Choose an exercise: what is to be written comes with its formula and one number to compare with.</p></div>`}`;
}

function Exercise({ exercise }) {
  const [source, write] = useState(localStorage.getItem(kept(exercise.name)) ?? exercise.starter);
  const [verdict, hear] = useState(null);
  const [error, fail] = useState(null);
  const [busy, wait] = useState(false);
  useEffect(() => localStorage.setItem(kept(exercise.name), source), [source]);
  const check = async () => {
    wait(true);
    try {
      hear(await post("/api/learn/check", { exercise: exercise.name, source }));
      fail(null);
    } catch (found) {
      hear(null);
      fail(found);
    }
    wait(false);
  };
  return html`<div class="two">
    <section class="card" aria-label="What is to be written"><h2>${exercise.title}</h2><pre class="wrapped">${exercise.statement}</pre></section>
    <section class="card" aria-label="Your answer">
      <div class="field"><label for="source">Your Python</label>
        <textarea id="source" class="code" rows="14" spellcheck="false" autocomplete="off" value=${source} aria-describedby="verdict" onInput=${(event) => write(event.target.value)}></textarea></div>
      <div class="row"><button class="main" disabled=${busy} onClick=${check}>${busy ? "Checking …" : "Check"}</button>
        <button disabled=${busy} onClick=${() => { write(exercise.starter); hear(null); }}>Begin again</button></div>
      <div id="verdict" role="status" class="verdict">
        ${verdict && html`<p><b class=${verdict.right ? "right" : "notright"}>${verdict.right ? "✓ right" : verdict.headline}</b></p>
          ${verdict.hint && html`<pre class="wrapped">${verdict.hint}</pre>`}
          ${verdict.printed && html`<p class="small soft">It printed:</p><pre class="wrapped">${verdict.printed}</pre>`}`}
        <${Wrong} error=${error} /></div>
    </section></div>`;
}
