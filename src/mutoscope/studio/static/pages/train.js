// Start a run: a recipe, a name, and every setting of it, drawn from its JSON Schema.
import { html, useEffect, useMemo, useState } from "../vendor/preact-htm.js";
import { at, post, useAnswer } from "../api.js";
import { Field, Loading, Wrong, resolved, words } from "../parts.js";

const FIRST = ["training.steps", "training.batch_size", "training.lr", "seed"]; // of all settings, those changed most
const ABOUT = {
  data: "What clips look like", vae: "Video VAE", text: "Text encoder", denoiser: "Diffusion network", diffusion: "Noise and loss",
  sampling: "Sampling", vae_training: "Training of the VAE", training: "Training of the diffusion model",
};

export function TrainPage({ values }) {
  const recipes = useAnswer("/api/recipes");
  const runs = useAnswer("/api/runs");
  const [recipe, choose] = useState(values.get("recipe") || "demo");
  if (!recipes.value) return html`<${Wrong} error=${recipes.error} />${!recipes.error && html`<${Loading} what="the recipes" />`}`;
  const about = recipes.value.find((one) => one.name === recipe);
  return html`
    <div class="title"><h1>Start a run</h1></div>
    <div class="card">
      <div class="field"><label for="recipe">Recipe</label>
        <select id="recipe" value=${recipe} onChange=${(event) => choose(event.target.value)}>
          ${recipes.value.map((one) => html`<option value=${one.name} selected=${one.name === recipe}>${one.name}: ${one.summary}</option>`)}
        </select></div>
      ${about?.about && html`<pre class="wrapped small">${about.about}</pre>`}
    </div>
    ${runs.value && html`<${Form} key=${recipe} recipe=${recipe} taken=${runs.value.map((run) => run.id)} />`}`;
}

// The first name of a run that is not taken: demo, demo-2, demo-3, …
function free(recipe, taken) {
  for (let k = 1; ; k++) {
    const name = k === 1 ? recipe : `${recipe}-${k}`;
    if (!taken.includes(name)) return name;
  }
}

function Form({ recipe, taken }) {
  const form = useAnswer(at("/api/recipe", { name: recipe }));
  const [name, rename] = useState(() => free(recipe, taken));
  const [changes, change] = useState({});
  const [error, fail] = useState(null);
  const [busy, wait] = useState(false);
  const [command, show] = useState("");
  const body = useMemo(() => ({ recipe, name, values: nested(changes) }), [recipe, name, changes]);
  const wrong = error?.fields || {};
  useEffect(() => { // what a person would type, and what does not fit, while the form is filled in
    const soon = setTimeout(async () => {
      try {
        show((await post("/api/train/command", body)).command);
        fail(null);
      } catch (found) {
        show("");
        fail(found);
      }
    }, 300);
    return () => clearTimeout(soon);
  }, [body]);
  if (!form.value) return html`<${Wrong} error=${form.error} />${!form.error && html`<${Loading} what="the settings" />`}`;
  const fields = flat(form.value.schema, form.value.schema, form.value.values, "");
  const draw = (field) => html`<${Field} key=${field.path} name=${field.name} path=${field.path} schema=${field.schema}
    value=${field.path in changes ? changes[field.path] : field.value} wrong=${wrong[field.path]}
    onChange=${(value) => change((before) => ({ ...before, [field.path]: value }))} />`;
  const sections = [...new Set(fields.map((field) => field.section))].filter(Boolean);
  const start = async (event) => {
    event.preventDefault();
    wait(true);
    try {
      const told = await post("/api/train", body);
      location.hash = `#/run/${encodeURIComponent(told.run)}`;
    } catch (found) {
      fail(found);
      wait(false);
      setTimeout(() => document.querySelector("[aria-invalid=true]")?.focus(), 50);
    }
  };
  const elsewhere = Object.keys(wrong).filter((path) => path !== "name" && !fields.some((field) => field.path === path));
  return html`<form onSubmit=${start} noValidate>
    <div class="card">
      <div class="fields">
        <${Field} name="name of the run" path="name" value=${name} wrong=${wrong.name} onChange=${rename}
          schema=${{ type: "string", description: "Its folder in runs/." }} />
        ${fields.filter((field) => FIRST.includes(field.path)).map(draw)}
      </div>
      ${sections.map((section) => html`<details open=${fields.some((field) => field.section === section && wrong[field.path] && !FIRST.includes(field.path))}>
        <summary>${ABOUT[section] || words(section)}</summary>
        <div class="fields">${fields.filter((field) => field.section === section && !FIRST.includes(field.path)).map(draw)}</div>
      </details>`)}
      <details><summary>Everything else</summary>
        <div class="fields">${fields.filter((field) => !field.section && !FIRST.includes(field.path)).map(draw)}</div></details>
    </div>
    <div class="card bottom">
      ${error && (elsewhere.length || !Object.keys(wrong).length) ? html`<${Wrong} error=${error} />` : null}
      <div class="row"><button class="main" disabled=${busy}>${busy ? "Starting …" : "Start training"}</button>
        <pre class="wrapped grow" tabindex="0" aria-label="The command">${command || "the command appears here when everything fits"}</pre></div>
    </div>
  </form>`;
}

// Leaves of a schema, in order: {path, name, section, schema, value}
function flat(schema, root, values, prefix) {
  return Object.entries(schema.properties || {}).flatMap(([name, property]) => {
    const found = resolved(property, root), path = prefix + name, value = values?.[name];
    if (found.properties) return flat(found, root, value, `${path}.`);
    const lines = found.type === "array" && found.items?.type === "string" && !found.items.enum;
    return [{ path, name, section: prefix.split(".")[0], schema: { ...found, lines }, value }];
  });
}

function nested(changes) {
  const found = {};
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split("."), last = names.pop();
    let inside = found;
    for (const name of names) inside = inside[name] ??= {};
    inside[last] = value;
  }
  return found;
}
