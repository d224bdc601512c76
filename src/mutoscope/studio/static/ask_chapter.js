// The panel on a chapter's page: it asks about that chapter.
import { html, render } from "./vendor/preact-htm.js";
import { Ask } from "./ask.js";

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = "/static/ask.css";
document.head.append(style);
const box = document.createElement("aside");
box.className = "ask-panel";
box.setAttribute("aria-label", "Ask about this chapter");
document.body.append(box);
const name = decodeURIComponent(location.pathname.split("/").pop().replace(/\.html$/, ""));
render(html`<details><summary>Ask</summary><${Ask} chapter=${name} /></details>`, box);
