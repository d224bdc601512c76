// The interactive figures, one at a time.
import { html } from "../vendor/preact-htm.js";
import { useAnswer } from "../api.js";
import { Figure } from "../figure.js";
import { Loading, Wrong } from "../parts.js";

export function Figures({ chosen, jobs }) {
  const all = useAnswer("/api/figures");
  if (!all.value) return html`<${Wrong} error=${all.error} />${!all.error && html`<${Loading} what="the figures" />`}`;
  const figure = all.value.find((one) => one.name === chosen) || all.value[0];
  return html`<nav class="tabs" aria-label="Figures">${all.value.map((one) => html`
      <a class="button" key=${one.name} href=${`#/learn/figures?figure=${one.name}`} aria-current=${one === figure ? "true" : undefined}>${one.title}</a>`)}</nav>
    <${Figure} key=${figure.name} figure=${figure} jobs=${jobs} />`;
}
