// Ask about the course: a search, and, where an endpoint is set, answers that come as they are said.
import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { Refusal, ask, at, useAnswer } from "./api.js";

const LONGEST = 30000; // characters of what was said before
const KINDS = [["course", "In the course"], ["docs", "In the docs"], ["code", "In the code"]];

// chapter: the one that is read; without it, the reader chooses among `chapters`.
export function Ask({ chapter, chapters = [] }) {
  const about = useAnswer("/api/ask");
  const [wish, set] = useState({ question: "", chapter: chapter || "" });
  const [turns, tell] = useState([]);
  const [found, find] = useState(null);
  const [error, fail] = useState("");
  const [stop, stopBy] = useState(null);
  useEffect(() => () => stop?.abort(), [stop]); // who leaves the page does not wait for the rest
  if (!about.value) return null;
  const { endpoint, problem, sections } = about.value;
  const last = (change) => tell((before) => [...before.slice(0, -1), { ...before[before.length - 1], ...change(before[before.length - 1]) }]);

  const answered = async (question) => {
    const earlier = turns.filter((turn) => turn.text).slice(-6).flatMap((turn) => [{ role: "user", text: turn.question }, { role: "assistant", text: turn.text.slice(0, LONGEST) }]);
    const leaving = new AbortController();
    stopBy(leaving);
    tell((before) => [...before, { question, text: "", sections: [], error: "" }]);
    let done = false;
    try {
      for await (const line of lines("/api/ask", { question, chapter: wish.chapter, earlier }, leaving.signal)) {
        done = done || line.done;
        last((turn) => (line.text ? { text: turn.text + line.text } : line.error ? { error: line.error } : { sections: line.sections, cited: line.cited }));
      }
      if (!done) last(() => ({ error: "The answer was cut in the middle. Ask again." }));
    } catch (wrong) {
      last(() => ({ error: leaving.signal.aborted ? "Stopped." : wrong.message }));
    }
    stopBy(null);
  };
  const send = async (event) => {
    event.preventDefault();
    const question = wish.question.trim(), searches = event.submitter?.value === "search" || !endpoint;
    if (!question || stop) return;
    fail("");
    if (!searches) {
      set({ ...wish, question: "" });
      return answered(question);
    }
    try {
      find({ question, passages: await ask(at("/api/search", { question })) });
    } catch (wrong) {
      fail(wrong.message);
    }
  };
  return html`<div class="ask">
    ${turns.map((turn, number) => html`<${Turn} key=${number} turn=${turn} sections=${sections} />`)}
    <p role="status" class="small soft">${stop ? "It answers …" : turns.length ? "It has answered." : endpoint ? `${endpoint.model} at ${endpoint.host} answers, from the sections of the course.` : "A search over the course, the docs and the code."}</p>
    <form onSubmit=${send}>
      ${!chapter && endpoint && html`<label>Read <select value=${wish.chapter} onChange=${(event) => set({ ...wish, chapter: event.target.value })}>
        <option value="">all chapters</option>${chapters.map((one) => html`<option value=${one.name}>${one.title}</option>`)}</select></label>`}
      <label>Your question <textarea rows="2" maxlength="2000" value=${wish.question} onInput=${(event) => set({ ...wish, question: event.target.value })}></textarea></label>
      <div class="row">
        ${endpoint && !stop && html`<button class="main" value="ask">Ask</button>`}
        ${stop && html`<button type="button" class="danger" onClick=${() => stop.abort()}>Stop</button>`}
        <button class=${endpoint ? "" : "main"} value="search" disabled=${stop !== null}>Search</button>
      </div>
    </form>
    ${(error || problem) && html`<p class="message" role="alert">${error || problem}</p>`}
    ${found && html`<${Passages} found=${found} />`}
    ${!endpoint && html`<details><summary>Let a model answer</summary>
      <p class="small">Any OpenAI-compatible endpoint does, on this machine or elsewhere. Start the studio with</p>
      <pre tabindex="0">MUTOSCOPE_ASSISTANT_URL=http://127.0.0.1:11434/v1 \\
MUTOSCOPE_ASSISTANT_MODEL=qwen3:8b \\
mutoscope studio</pre>
      <p class="small">That is Ollama; llama.cpp's server listens at :8080/v1. A service's key goes into MUTOSCOPE_ASSISTANT_KEY. The question and sections of the course are sent there, nothing else.</p></details>`}
  </div>`;
}

// A section: here where this is its page, else beside it, so that the conversation stays.
function To({ one, children }) {
  const here = one.link.split("#")[0] === location.pathname;
  return html`<a href=${one.link} title=${one.title} target=${here ? undefined : "_blank"} rel="noopener">${children}</a>`;
}

function Turn({ turn, sections }) {
  return html`<article class="turn" aria-label=${turn.question}><p><b>${turn.question}</b></p>
    <${Said} text=${turn.text} sections=${sections} />
    ${turn.error && html`<p class="message" role="alert">${turn.error}</p>`}
    ${turn.sections.length > 0 && html`<p class="small">${turn.cited ? "From" : "Nearest to the question"}: ${turn.sections.map((one) => html` <${To} one=${one}>${one.number} ${one.title}<//>`)}</p>`}</article>`;
}

// Text only, whatever the model writes: fences and `code` are shown as code, [3.4] leads to its section.
function Said({ text, sections }) {
  const linked = (part) => part.split(/(`[^`\n]+`|\[\d\.\d+\])/).map((piece) => {
    const known = sections.find((one) => piece === `[${one.number}]`);
    return known ? html`<${To} one=${known}>${piece}<//>` : piece.length > 2 && piece.startsWith("`") && piece.endsWith("`") ? html`<code>${piece.slice(1, -1)}</code>` : piece;
  });
  return text.split(/```[^\n]*\n?/).map((part, number) => (number % 2 ? html`<pre tabindex="0">${part}</pre>` : part.trim() && html`<p class="wrapped">${linked(part.trim())}</p>`));
}

function Passages({ found }) {
  const { question, passages } = found;
  if (!passages.length) return html`<p role="status">Nothing that is written holds a word of “${question}”.</p>`;
  return html`<section aria-label="Found">${KINDS.map(([kind, title]) => {
    const some = passages.filter((one) => one.kind === kind);
    return some.length > 0 && html`<h3>${title}</h3><ul class="found">${some.map((one) => html`<li key=${one.place + one.title}>
      ${one.link ? html`<${To} one=${{ ...one, link: `/learn/${one.link}` }}>${one.number} ${one.title}<//> <span class="small soft">${one.place}</span><p class="small">${one.excerpt}</p>`
                 : html`<details><summary>${one.title} <span class="small soft">${one.place}</span></summary><p class="small wrapped">${one.text}</p></details>`}</li>`)}</ul>`;
  })}</section>`;
}

// Lines of JSON, as they come.
async function* lines(path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });
  } catch (wrong) {
    throw signal.aborted ? wrong : new Refusal("The studio does not answer. Is it still running in its terminal?", {}, 0);
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refusal(told.message || `the server answered ${answer.status}`, {}, answer.status);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (kept + value).split("\n");
    kept = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}
