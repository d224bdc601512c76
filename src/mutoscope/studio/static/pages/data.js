// Clips to train on: what is wrong with them, how they look, and their captions to mend.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { at, post, useAnswer } from "../api.js";
import { Loading, Wrong } from "../parts.js";
import { duration, number, plural } from "../words.js";

const ALL = { search: "", split: "", kind: "", page: 1 };
const KINDS = [["", "clips", "All"], ["uncaptioned", "uncaptioned", "No caption"], ["duplicates", "duplicates", "Duplicates"], ["problems", "problems", "Problems"]];

export function DataPage({ values }) {
  const sets = useAnswer("/api/data/sets");
  const [wanted, want] = useState(values.get("set") || "");
  if (!sets.value) return html`<${Wrong} error=${sets.error} />${!sets.error && html`<${Loading} what="the clips" />`}`;
  if (!sets.value.length) return html`<div class="title"><h1>Data</h1></div><${Wrong} error=${sets.error} /><${Empty} again=${sets.again} />`;
  const chosen = sets.value.find((one) => one.id === wanted) || sets.value[0];
  const choose = (id) => {
    history.replaceState(null, "", `#/data?set=${encodeURIComponent(id)}`); // so that a reload shows it again
    want(id);
  };
  return html`<${ASet} key=${chosen.id} chosen=${chosen} sets=${sets.value} choose=${choose} />`;
}

function Empty({ again }) {
  const about = useAnswer("/api/about");
  return html`<div class="card empty">
    <h2>There are no clips here yet</h2>
    <p>Put your clips into a folder below <b style="overflow-wrap:anywhere">${about.value?.workspace || "the studio's folder"}</b>, such as <b>clips</b>, and type there:</p>
    <pre class="wrapped" style="max-width:32rem;margin:0 auto 1rem">mutoscope data scan clips</pre>
    <p class="soft">It looks at every file once and writes clips/manifest.jsonl. A caption is a text beside its clip, or a row of captions.csv; both can be written here afterwards.</p>
    <p><button class="main" onClick=${again}>Look again</button></p>
  </div>`;
}

// Clips stay where they are while captions change; they are asked for anew when something else is wanted.
function ASet({ chosen, sets, choose }) {
  const [wish, set] = useState(ALL);
  const [said, say] = useState({ words: "", error: null });
  const [undone, put] = useState({}); // captions that were taken back, by clip
  const query = { set: chosen.id, search: wish.search, split: wish.split, page: wish.page, ...(wish.kind ? { [wish.kind]: true } : {}) };
  const path = at("/api/data/set", query);
  const told = useAnswer(chosen.problem ? null : path);
  const held = useRef({ path: null, clips: [], told: null });
  const list = useRef(null);
  if (told.value && told.value !== held.current.told) { // where it is the same, it still answers the wish before
    held.current = { path, told: told.value, clips: held.current.path === path ? held.current.clips : told.value.clips };
  }
  const page = held.current.told;
  const change = (changes) => {
    put({});
    set((before) => ({ ...before, page: 1, ...changes }));
  };
  const turn = (to) => {
    change({ page: to });
    list.current?.focus({ preventScroll: true });
    list.current?.scrollIntoView({ block: "start" });
  };
  const undo = async () => {
    try {
      const back = await post("/api/data/undo", { set: chosen.id });
      put((before) => ({ ...before, [key(back)]: { caption: back.caption } }));
      say({ words: `Taken back: ${named(back)} ${back.caption ? `says “${back.caption}”` : "has no caption"} again.`, error: null });
    } catch (error) {
      say({ words: "", error });
    }
    told.again();
  };
  const saved = () => {
    say({ words: "", error: null });
    told.again();
  };
  const last = page?.undo;
  return html`
    <div class="title"><h1>Data</h1>
      <span class="row"><label for="set">Set</label><select id="set" style="width:auto;max-width:15rem" value=${chosen.id} onChange=${(event) => choose(event.target.value)}>
        ${sets.map((one) => html`<option value=${one.id} selected=${one.id === chosen.id}>${one.id}</option>`)}</select></span>
      <span class="soft small">${chosen.problem ? "" : `${plural(chosen.clips, "clip")}, ${duration(chosen.seconds)}`}</span>
      <div class="actions"><button disabled=${!last} onClick=${undo} title=${last ? `${named(last)}: “${last.before}” again` : "no caption was changed"}>Undo</button></div>
    </div>
    ${chosen.problem && html`<div class="message" role="alert">${chosen.problem}</div>`}
    <${Wrong} error=${told.error} /><${Wrong} error=${said.error} />
    ${page && html`<${Filters} wish=${wish} change=${change} counts=${page.counts} />`}
    ${!page && !told.error && !chosen.problem && html`<${Loading} what=${chosen.id} />`}
    ${page && html`<section aria-label="Clips" tabindex="-1" ref=${list} aria-busy=${!told.value && !told.error}>
      <${Pages} page=${page} turn=${turn} said=${said.words} />
      ${held.current.clips.length === 0 && html`<div class="card empty"><h2>${page.counts.clips ? "No clip fits" : "This set holds no clips"}</h2>
        ${page.counts.clips ? html`<p><button onClick=${() => change(ALL)}>Show all</button></p>` : html`<p>Put clips into ${chosen.id}, then type: <b>mutoscope data scan ${chosen.id}</b></p>`}</div>`}
      <div class="cards">${held.current.clips.map((clip, place) => html`<${Clip} key=${`${key(clip)} ${held.current.path} ${place}`} name=${chosen.id} clip=${clip} undone=${undone[key(clip)]} saved=${saved} />`)}</div>
      ${page.pages > 1 && html`<div style="margin-top:1rem"><${Pages} page=${page} turn=${turn} /></div>`}
    </section>`}`;
}

const key = (clip) => JSON.stringify([clip.file, clip.start_s, clip.end_s]);
const named = (clip) => (clip.start_s === null ? clip.file : `${clip.file}, ${number(clip.start_s)} to ${number(clip.end_s)} s`);

function Filters({ wish, change, counts }) {
  const [text, type] = useState(wish.search);
  useEffect(() => {
    if (text === wish.search) return undefined;
    const soon = setTimeout(() => change({ search: text }), 250);
    return () => clearTimeout(soon);
  }, [text]);
  useEffect(() => type(wish.search), [wish.search]);
  return html`<div class="row" role="search" style="margin-bottom:.8rem">
    <div class="row" role="group" aria-label="Which clips">${KINDS.map(([kind, count, title]) => html`
      <button key=${kind} aria-pressed=${wish.kind === kind} onClick=${() => change({ kind })}>${title} <b>${counts[count].toLocaleString("en")}</b></button>`)}</div>
    <input class="grow" style="min-width:9rem;max-width:22rem" type="search" maxlength="200" aria-label="Find in captions and file names" placeholder="Find in captions and names"
      value=${text} onInput=${(event) => type(event.target.value)} />
    <span class="row"><label for="split">Split</label><select id="split" style="width:auto" value=${wish.split} onChange=${(event) => change({ split: event.target.value })}>
      ${[["", "both"], ["train", "train"], ["test", "test"]].map(([value, title]) => html`<option value=${value} selected=${value === wish.split}>${title}</option>`)}</select></span>
  </div>`;
}

function Pages({ page, turn, said }) {
  return html`<div class="row small" style="margin-bottom:.6rem"><span class="soft" role="status">${plural(page.found, "clip")}${page.pages > 1 ? `, page ${page.page.toLocaleString("en")} of ${page.pages.toLocaleString("en")}` : ""}</span>
    ${page.pages > 1 && html`<nav class="row" aria-label="Pages of clips">
      <button disabled=${page.page <= 1} onClick=${() => turn(page.page - 1)}>Previous</button>
      <button disabled=${page.page >= page.pages} onClick=${() => turn(page.page + 1)}>Next</button></nav>`}
    ${said !== undefined && html`<span role="status" style="overflow-wrap:anywhere">${said}</span>`}</div>`;
}

function Clip({ name, clip, undone, saved }) {
  const missing = clip.problems.includes("the file is missing");
  return html`<article class="card clip" aria-label=${named(clip)}>
    <${Still} name=${name} clip=${clip} missing=${missing} />
    <p class="file">${clip.file}</p>
    <p class="small soft">${clip.start_s === null ? "" : `${number(clip.start_s)} to ${number(clip.end_s)} s · `}${number(clip.seconds)} s · ${plural(clip.num_frames, "frame")} · ${number(clip.fps)} fps · <span class="nowrap">${clip.width} x ${clip.height}</span> · ${clip.codec} · <span title="hash of the file's content">${clip.sha.slice(0, 8)}</span></p>
    <p class="row marks">${clip.split === "test" && html`<span class="state calm">test</span>`}
      ${clip.problems.filter((words) => words !== "no caption").map((words) => html`<span class="state bad">! ${words}</span>`)}
      ${clip.duplicate_of !== null && html`<span class="state busy">same content as ${clip.duplicate_of}</span>`}</p>
    <${Caption} name=${name} clip=${clip} undone=${undone} saved=${saved} />
  </article>`;
}

// The first frame, until somebody wants to see more.
function Still({ name, clip, missing }) {
  const [shown, show] = useState("still");
  const piece = clip.start_s === null ? {} : { start_s: clip.start_s, end_s: clip.end_s };
  const of = { set: name, file: clip.file, ...piece, version: clip.sha.slice(0, 100) };
  const video = useRef(null);
  useEffect(() => video.current?.focus(), [shown]);
  if (missing || shown === "broken") return html`<div class="still soft"><span>${missing ? "the file is missing" : "this clip cannot be shown"}</span></div>`;
  if (shown === "still") {
    return html`<button class="still" onClick=${() => show("video")} aria-label=${`Play ${named(clip)}`}>
      <img src=${at("/api/data/thumbnail", of)} alt="" loading="lazy" onError=${() => show("broken")} /><span class="play" aria-hidden="true">▶</span></button>`;
  }
  const part = clip.plays && clip.start_s !== null; // of a longer file, which a browser would play on from
  const round = (event) => {
    const at = event.target.currentTime;
    if (part && (at >= clip.end_s - 0.02 || at < clip.start_s - 0.5)) {
      event.target.currentTime = clip.start_s;
      event.target.play();
    }
  };
  return html`<video class="still" ref=${video} tabindex="0" src=${at("/api/data/clip", of) + (part ? `#t=${clip.start_s},${clip.end_s}` : "")} aria-label=${named(clip)}
    controls autoplay muted playsinline loop=${!part} onTimeUpdate=${round} onPause=${(event) => part && event.target.currentTime >= clip.end_s - 0.1 && round(event)} onError=${() => show("broken")}></video>`;
}

function Caption({ name, clip, undone, saved }) {
  const [text, type] = useState(clip.caption);
  const [said, say] = useState({ words: clip.caption ? "" : "no caption yet", error: null });
  const kept = useRef(clip.caption), sent = useRef(null), id = `caption-${key(clip)}`;
  useEffect(() => {
    if (!undone) return;
    kept.current = undone.caption;
    sent.current = null;
    type(undone.caption);
    say({ words: "taken back", error: null });
  }, [undone]);
  const save = async () => {
    if (text === kept.current || text === sent.current) return; // sent: on its way, or refused
    sent.current = text;
    say({ words: "saving …", error: null });
    try {
      const told = await post("/api/data/caption", { set: name, file: clip.file, start_s: clip.start_s, end_s: clip.end_s, caption: text, before: kept.current });
      kept.current = told.caption;
      type((now) => (now === text ? told.caption : now)); // unless somebody types on
      say({ words: `✓ saved${told.kept_in.length ? ` in ${told.kept_in.join(" and ")}` : ""}`, error: null });
      sent.current = null;
      saved();
    } catch (error) {
      say({ words: "", error });
      if (!error.status) sent.current = null; // it never came there
    }
  };
  const press = (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      save();
    } else if (event.key === "Escape") {
      sent.current = null;
      type(kept.current);
      say({ words: "", error: null });
    }
  };
  const wrong = said.error?.fields.caption || said.error?.message;
  return html`<div class="field"><label for=${id}>Caption</label>
    <textarea id=${id} rows="3" aria-label=${`Caption of ${named(clip)}`} aria-describedby=${`${id}-said`} aria-invalid=${wrong ? "true" : "false"} placeholder="What is seen?"
      value=${text} onInput=${(event) => type(event.target.value)} onKeyDown=${press} onBlur=${save}></textarea>
    <div class="said" id=${`${id}-said`}><span class="help" role="status">${text !== kept.current && !said.words && !wrong ? "Enter saves, Escape takes back" : said.words}</span>
      ${wrong && html`<span class="wrong" role="alert">${wrong}</span>`}</div>
  </div>`;
}
