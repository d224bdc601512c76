// The course: chapters to read, exercises to solve here, answers that are checked.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { post, useAnswer } from "../api.js";
import { Loading, Wrong } from "../parts.js";

const kept = (name) => `answer-${name}`;

export function LearnPage({ values }) {
  const course = useAnswer("/api/learn");
  if (!course.value) return html`<${Wrong} error=${course.error} />${!course.error && html`<${Loading} what="the course" />`}`;
  const { chapters, problem, exercises } = course.value;
  const chosen = exercises.find((one) => one.name === values.get("exercise"));
  return html`
    <div class="title"><h1>Learn</h1></div>
    <p class="soft">How a video model works, by running the real thing. Read a chapter, write its parts yourself, and hear what is wrong with them.</p>
    ${problem && html`<div class="message plain">The chapters cannot be read: ${problem}</div>`}
    <div class="cards">${chapters.map((one) => html`<article class="card" key=${one.name} aria-label=${one.title}>
      <h2>${one.title}</h2>
      <ol class="small">${one.sections.map((title) => html`<li>${title}</li>`)}</ol>
      <p><a class="button main" href=${`/learn/${one.name}.html`} target="_blank" rel="noopener">Read</a></p>
      <p class="small soft">${one.built ? "With what its cells show, as it was run here." : html`What its cells show appears after <code>mutoscope learn build ${one.name}</code> in this folder.`}</p>
    </article>`)}</div>
    <h2 style="margin-top:1.5rem">Exercises</h2>
    <div class="tabs" role="group" aria-label="Exercises">${exercises.map((one) => html`
      <a class="button" key=${one.name} href=${`#/learn?exercise=${one.name}`} aria-current=${one === chosen ? "true" : undefined}>${one.title} <span class="soft small">chapter ${one.chapter}</span></a>`)}</div>
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
    <section class="card" aria-label="What is to be written"><h3>${exercise.title}</h3><pre class="wrapped">${exercise.statement}</pre></section>
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
