// What the studio adds to a chapter's page: a panel to ask, and ways from the text to its exercises and figures.
import { html, render } from "./vendor/preact-htm.js";
import { ask } from "./api.js";
import { Ask } from "./ask.js";

const made = (name, properties) => Object.assign(document.createElement(name), properties);
const name = decodeURIComponent(location.pathname.split("/").pop().replace(/\.html$/, ""));
document.head.append(made("link", { rel: "stylesheet", href: "/static/chapter.css" }));

for (const cell of document.querySelectorAll("pre.code")) {
  const exercise = cell.textContent.match(/^%%check (\w+)/)?.[1];
  if (exercise) cell.after(made("a", { href: `/#/learn/exercises?exercise=${exercise}`, textContent: "Write it in the studio, and have it checked", target: "_blank" }));
}

ask("/api/figures").then((figures) => {
  for (const title of document.querySelectorAll("main em")) {
    const figure = figures.find((one) => one.title === title.textContent);
    if (figure) title.replaceWith(made("a", { href: `/#/learn/figures?figure=${figure.name}`, textContent: figure.title, target: "_blank" }));
  }
}, () => {}); // without them the text still says where they are

const box = made("aside", { className: "ask-panel", ariaLabel: "Ask about this chapter" });
document.body.append(box);
render(html`<details><summary>Ask</summary><${Ask} chapter=${name} /></details>`, box);
