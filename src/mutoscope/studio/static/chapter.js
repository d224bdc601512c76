// What the studio adds to a chapter's page: it runs here, exercises are written and figures moved where they are
// spoken of, and a panel answers questions.
import { html, render, useEffect, useState } from "./vendor/preact-htm.js";
import { ask, listen, useJobs } from "./api.js";
import { Ask } from "./ask.js";
import { Answer } from "./exercise.js";
import { Figure } from "./figure.js";
import { RunChapter, jobOf, useCourse } from "./lesson.js";
import { Bar, isOpen } from "./parts.js";

const AGAIN_MS = 1500;
const made = (name, properties = {}) => Object.assign(document.createElement(name), properties);
const name = decodeURIComponent(location.pathname.split("/").pop().replace(/\.html$/, ""));
const cells = [...document.querySelectorAll("section.cell")];
const written = cells.map((cell) => cell.textContent.match(/^\s*%%check (\w+)/)?.[1]); // exercises, by cell

// The studio's parts in a shadow of their own: its style and that of the page do not meet, nor do names of their fields.
function mounted(part, host = made("div", { className: "mounted" })) {
  const inner = made("div");
  host.attachShadow({ mode: "open" }).append(made("link", { rel: "stylesheet", href: "/static/style.css" }), inner);
  render(part, inner);
  return host;
}

function Running() {
  const jobs = useJobs() || [], course = useCourse(jobs);
  const chapter = course.value?.chapters.find((one) => one.name === name);
  const job = chapter && jobOf(chapter, jobs), running = job?.state === "running";
  const [done, count] = useState(0);
  useEffect(() => {
    if (!running) return mark(null);
    const clock = setInterval(async () => count(await merge()), AGAIN_MS);
    return () => { clearInterval(clock); merge().then(() => mark(null)); };
  }, [running]);
  return chapter && html`<${RunChapter} chapter=${chapter} job=${job} />
    ${isOpen(job) && html`<${Bar} done=${done} total=${cells.length} label="cells that are done" />`}`;
}

// Show what cells show by now; how many are done. A page that was run whole is that of the last time.
async function merge() {
  const text = await fetch(location.pathname, { cache: "no-store" }).then((answer) => answer.text()).catch(() => "");
  const now = [...new DOMParser().parseFromString(text, "text/html").querySelectorAll("section.cell")];
  const ran = now.filter((cell) => cell.dataset.ran !== undefined).length;
  if (now.length !== cells.length) return 0;
  now.forEach((cell, number) => {
    const before = cells[number].querySelector(".out"), after = cell.querySelector(".out");
    if (cell.dataset.ran === undefined || written[number] || before?.innerHTML === after?.innerHTML) return;
    before?.remove();
    if (after) cells[number].append(after);
  });
  mark(ran < now.length ? cells[now.findIndex((cell) => cell.dataset.ran === undefined)] : null);
  return ran % now.length;
}

const mark = (running) => cells.forEach((cell) => cell.classList.toggle("running", cell === running));

function Moving({ figure }) {
  return html`<${Figure} figure=${figure} jobs=${useJobs() || []} here />`;
}

document.documentElement.style.colorScheme = localStorage.getItem("theme") || "";
document.head.append(made("link", { rel: "stylesheet", href: "/static/chapter.css" }));
listen();
document.querySelector("h1")?.after(mounted(html`<${Running} />`));

ask("/api/learn").then(({ exercises }) => cells.forEach((cell, number) => {
  const exercise = exercises.find((one) => one.name === written[number]);
  if (exercise) cell.replaceChildren(mounted(html`<section aria-label=${exercise.title}><${Answer} exercise=${exercise} /></section>`));
}), () => {}); // without it the page still says what is to be written

ask("/api/figures").then((figures) => {
  for (const title of document.querySelectorAll("main em")) {
    const figure = figures.find((one) => one.title === title.textContent);
    if (!figure) continue;
    const box = made("details", { className: "moving" });
    box.append(made("summary", { textContent: figure.title }));
    box.addEventListener("toggle", () => box.append(mounted(html`<${Moving} figure=${figure} />`)), { once: true });
    title.closest("p").after(box);
  }
}, () => {}); // without them the text still says where they are

const box = made("aside", { className: "ask-panel", ariaLabel: "Ask about this chapter" });
document.body.append(mounted(html`<details class="ask-details"><summary>Ask</summary><${Ask} chapter=${name} /></details>`, box));
