// Running a chapter: its button, its state, what there is to know before.
import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { post, useAnswer } from "./api.js";
import { State, Wrong, isOpen } from "./parts.js";

export const jobOf = (chapter, jobs) => jobs.find((job) => job.kind === "chapter" && job.payload.chapter === chapter.name);

// Chapters and exercises; asked for again when a chapter was run, since it has another page then.
export function useCourse(jobs) {
  const course = useAnswer("/api/learn");
  const runs = jobs.filter((job) => job.kind === "chapter").map((job) => job.id + job.state).join();
  useEffect(() => { if (runs) course.again(); }, [runs]);
  return course;
}

// children: what stands before the button.
export function RunChapter({ chapter, job, children }) {
  const [error, fail] = useState(null);
  const act = async (path, body) => {
    try { await post(path, body); fail(null); } catch (found) { fail(found); }
  };
  return html`<div class="row">${children}
      ${isOpen(job) ? html`<button class="danger" onClick=${() => act("/api/job/cancel", { job: job.id })}>Stop</button>`
                    : html`<button onClick=${() => act("/api/learn/run", { chapter: chapter.name })}>${chapter.built ? "Run it again" : "Run its cells"}</button>`}
      ${job && job.state !== "done" && html`<${State} state=${job.state} />`}</div>
    ${job?.message && html`<p class="small">${job.message}</p>`}
    <p class="small soft">${isOpen(job) ? "Pictures and numbers appear in the page as its cells are done."
      : chapter.built ? "With what its cells show, as it was run here. As a "
      : "It takes one to two minutes on two cores; pictures and numbers appear in the page meanwhile. In Jupyter you run its cells one by one: "}
      ${!isOpen(job) && html`<a href=${`/learn/${chapter.name}.ipynb`} download=${`${chapter.name}.ipynb`}>notebook</a>`}</p>
    <${Wrong} error=${error} />`;
}
