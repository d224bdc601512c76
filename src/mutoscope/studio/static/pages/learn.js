// The course: chapters to read or to run, figures to move, exercises to solve here.
import { html } from "../vendor/preact-htm.js";
import { Loading, Wrong } from "../parts.js";
import { Ask } from "../ask.js";
import { Answer, solved } from "../exercise.js";
import { RunChapter, jobOf, useCourse } from "../lesson.js";
import { Figures } from "./figures.js";

const TABS = [["", "Chapters"], ["figures", "Figures"], ["exercises", "Exercises"], ["ask", "Ask"]];

export function LearnPage({ name, values, jobs }) {
  const course = useCourse(jobs);
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
        <div class="cards">${chapters.map((one) => html`<${Chapter} key=${one.name} chapter=${one} job=${jobOf(one, jobs)} />`)}</div>`}`;
}

function Chapter({ chapter, job }) {
  return html`<article class="card" aria-label=${chapter.title}>
    <h2>${chapter.title}</h2>
    <ol class="small">${chapter.sections.map((title) => html`<li>${title}</li>`)}</ol>
    <${RunChapter} chapter=${chapter} job=${job}><a class="button main" href=${`/learn/${chapter.name}.html`} target="_blank" rel="noopener">Read</a><//>
  </article>`;
}

function Exercises({ exercises, name }) {
  const chosen = exercises.find((one) => one.name === name);
  return html`<div class="tabs" role="group" aria-label="Exercises">${exercises.map((one) => html`
      <a class="button" key=${one.name} href=${`#/learn/exercises?exercise=${one.name}`} aria-current=${one === chosen ? "true" : undefined}>${solved(one) ? "✓ " : ""}${one.title} <span class="soft small">chapter ${one.chapter}</span></a>`)}</div>
    ${chosen ? html`<${Exercise} key=${chosen.name} exercise=${chosen} />`
             : html`<div class="card empty"><p>Choose an exercise: what is to be written comes with its formula and one number to compare with.</p></div>`}`;
}

function Exercise({ exercise }) {
  return html`<div class="two">
    <section class="card" aria-label="What is to be written"><h2>${exercise.title}</h2><pre class="wrapped">${exercise.statement}</pre></section>
    <section class="card" aria-label="Your answer"><${Answer} exercise=${exercise} /></section></div>`;
}
