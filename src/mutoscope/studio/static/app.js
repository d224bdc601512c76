// The frame of all pages: where we are, what changes, how it looks.
import { html, render, useEffect, useState } from "./vendor/preact-htm.js";
import { listen, useConnection, useJobs } from "./api.js";
import { isOpen } from "./parts.js";
import { RunsPage } from "./pages/runs.js";
import { RunPage } from "./pages/run.js";
import { TrainPage } from "./pages/train.js";
import { GeneratePage } from "./pages/generate.js";
import { DataPage } from "./pages/data.js";
import { ComparePage } from "./pages/compare.js";
import { LearnPage } from "./pages/learn.js";

const PAGES = [
  { path: "runs", title: "Runs", page: RunsPage },
  { path: "generate", title: "Generate", page: GeneratePage },
  { path: "data", title: "Data", page: DataPage },
  { path: "compare", title: "Compare", page: ComparePage },
  { path: "learn", title: "Learn", page: LearnPage },
];
const HIDDEN = { run: { title: "Run", page: RunPage, under: "runs" }, train: { title: "Start a run", page: TrainPage, under: "runs" } };

// #/run/disc%2Fdit?x=1 -> {path: "run", name: "disc/dit", values}
function here() {
  const [way, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [path, ...rest] = way.split("/");
  return { path: path || "runs", name: decodeURIComponent(rest.join("/")), values: new URLSearchParams(query) };
}

function useTheme() {
  const [theme, set] = useState(localStorage.getItem("theme") || "");
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    dispatchEvent(new Event("themechange"));
  }, [theme]);
  return [theme, set];
}

function App() {
  const [place, go] = useState(here());
  const [theme, setTheme] = useTheme();
  const connected = useConnection();
  const jobs = useJobs() || [];
  useEffect(() => {
    const moved = () => {
      go(here());
      document.getElementById("main")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const found = PAGES.find((page) => page.path === place.path) || HIDDEN[place.path];
  const current = found?.under || place.path;
  useEffect(() => {
    document.title = `${place.name || found?.title || "?"} · Mutoscope studio`;
  }, [place]);
  const open = jobs.filter(isOpen);
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>To the content</a>
    ${!connected && html`<div class="lost" role="alert">The connection to the studio is lost. This page goes on by itself when it is back.</div>`}
    <header class="top">
      <a class="name" href="#/runs"><img src="/static/icon.svg" width="26" height="26" alt="" />Mutoscope</a>
      <nav aria-label="Pages">
        ${PAGES.map((page) => html`<a href=${`#/${page.path}`} aria-current=${page.path === current ? "page" : undefined}>${page.title}</a>`)}
      </nav>
      <div class="right">
        <span role="status">${open.length ? `${open.filter((job) => job.state === "running").length} running, ${open.filter((job) => job.state === "queued").length} waiting` : "idle"}</span>
        <button onClick=${() => setTheme(dark ? "light" : "dark")} aria-label=${dark ? "Light colours" : "Dark colours"}>${dark ? "☀" : "☾"}</button>
      </div>
    </header>
    <main id="main" tabindex="-1">
      ${found ? html`<${found.page} key=${place.path + place.name} name=${place.name} values=${place.values} jobs=${jobs} />`
              : html`<div class="empty"><h1>There is no such page</h1><p><a href="#/runs">To the runs</a></p></div>`}
    </main>`;
}

listen();
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
