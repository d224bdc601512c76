// What several pages show: states, small curves, messages, questions, fields of a form.
import { html, useEffect, useRef, useState, useLayoutEffect } from "./vendor/preact-htm.js";

const STATES = {
  training: ["busy", "▶ training"], evaluating: ["busy", "▶ measuring"], running: ["busy", "▶ running"], queued: ["busy", "… waiting"],
  finished: ["good", "✓ finished"], done: ["good", "✓ done"], paused: ["calm", "❚❚ paused"], interrupted: ["calm", "❚❚ interrupted"],
  cancelled: ["calm", "✕ cancelled"], failed: ["bad", "! failed"], unreadable: ["bad", "! unreadable"],
};

export const isOpen = (job) => job?.state === "queued" || job?.state === "running";

export function State({ state }) {
  const [tone, words] = STATES[state] || ["calm", state];
  return html`<span class="state ${tone}">${words}</span>`;
}

export function Bar({ done, total, label }) {
  const share = total ? Math.min(1, done / total) : 0;
  return html`<div class="bar" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax=${total} aria-valuenow=${done}>
    <div style=${`width:${100 * share}%`}></div>
  </div>`;
}

export function Spark({ values, label }) {
  if (values.length < 2) return html`<div class="spark"></div>`;
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const points = values.map((v, k) => `${(100 * k) / (values.length - 1)},${29 - (28 * (v - low)) / span}`).join(" ");
  return html`<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label=${label}>
    <polyline points=${points} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" />
  </svg>`;
}

export function Wrong({ error }) {
  if (!error) return null;
  return html`<div class="message" role="alert">${error.message}</div>`;
}

export function Loading({ what }) {
  return html`<p class="loading" role="status">Loading ${what} …</p>`;
}

// A question before something that cannot be undone. Typed: what has to be typed to go on.
export function Question({ title, children, yes, typed, onYes, onNo }) {
  const box = useRef(null);
  const [given, set] = useState("");
  useEffect(() => {
    box.current.showModal();
  }, []);
  return html`<dialog ref=${box} onClose=${onNo} aria-label=${title}>
    <form method="dialog" onSubmit=${(event) => { event.preventDefault(); onYes(); }}>
      <h2>${title}</h2>
      ${children}
      ${typed && html`<div class="field"><label>Type <b>${typed}</b> to go on
        <input value=${given} onInput=${(event) => set(event.target.value)} autocomplete="off" /></label></div>`}
      <div class="row">
        <button type="button" onClick=${onNo}>Keep it</button>
        <button class="danger" disabled=${typed && given !== typed}>${yes}</button>
      </div>
    </form>
  </dialog>`;
}

// A video that loops; starts by itself unless the reader wants less motion.
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export function Video({ src, label, tile }) {
  return html`<video class=${tile ? "tile" : ""} src=${src} aria-label=${label} loop muted playsinline controls=${calm() || !tile}
    autoplay=${!calm()} preload="auto"></video>`;
}

// One field of a JSON Schema. value undefined = left as it is.
export function Field({ name, path, schema, value, wrong, onChange }) {
  const id = `field-${path}`, help = `${id}-help`, bad = `${id}-wrong`;
  const given = { id, name: path, "aria-describedby": `${help} ${wrong ? bad : ""}`, "aria-invalid": wrong ? "true" : "false" };
  const choices = schema.enum || (schema.const !== undefined ? [schema.const] : null);
  let input;
  if (schema.type === "boolean") {
    input = html`<input type="checkbox" ...${given} checked=${value} onChange=${(event) => onChange(event.target.checked)} />`;
  } else if (choices) {
    const known = schema.nullable ? ["", ...choices] : choices;
    input = html`<select ...${given} value=${value ?? ""} onChange=${(event) => onChange(choices.find((c) => String(c) === event.target.value) ?? null)}>
      ${known.map((c) => html`<option value=${c} selected=${c === (value ?? "")}>${c === "" ? "the model's own" : String(c)}</option>`)}</select>`;
  } else {
    input = html`<${Typed} given=${given} schema=${schema} value=${value} onChange=${onChange} />`;
  }
  return html`<div class="field">
    <label for=${id}>${words(name)}</label>
    ${input}
    <span class="help" id=${help}>${schema.description}${limits(schema)}</span>
    ${wrong && html`<span class="wrong" id=${bad} role="alert">${wrong}</span>`}
  </div>`;
}

// What is typed stays as it is typed; it is sent as a number where it is one, else as the words, for the server to refuse.
function Typed({ given, schema, value, onChange }) {
  const [text, set] = useState(shown(value, schema));
  const sent = useRef(value);
  useLayoutEffect(() => {
    if (JSON.stringify(sent.current) !== JSON.stringify(value)) set(shown(value, schema));
    sent.current = value;
  }, [value]);
  const change = (event) => {
    set(event.target.value);
    sent.current = read(event.target.value, schema);
    onChange(sent.current);
  };
  if (schema.type === "array" && schema.lines) return html`<textarea ...${given} value=${text} onInput=${change}></textarea>`;
  const mode = schema.type === "integer" ? "numeric" : schema.type === "number" ? "decimal" : "text";
  return html`<input ...${given} inputmode=${mode} value=${text} onInput=${change} autocomplete="off" />`;
}

function shown(value, schema) {
  if (value === null || value === undefined) return "";
  return Array.isArray(value) ? value.map((part) => shown(part, {})).join(schema.lines ? "\n" : " ") : String(value);
}

export function read(text, schema) {
  if (schema.type === "array") {
    const parts = schema.lines ? text.split("\n").map((line) => line.trim()) : text.split(/[\s,;]+/);
    return parts.filter((part) => part !== "").map((part) => read(part, schema.items || {}));
  }
  const trimmed = text.trim();
  if (trimmed === "" && schema.nullable) return null;
  if ((schema.type === "integer" || schema.type === "number") && trimmed !== "" && Number.isFinite(Number(trimmed))) return Number(trimmed);
  return text;
}

export const words = (name) => name.replace(/_/g, " ");

function limits(schema) {
  const low = schema.minimum ?? schema.exclusiveMinimum, high = schema.maximum ?? schema.exclusiveMaximum;
  if (low !== undefined && high !== undefined) return html` <span class="nowrap">(${low} to ${high})</span>`;
  if (low !== undefined) return ` (${schema.minimum === undefined ? "more than" : "at least"} ${low})`;
  return high !== undefined ? ` (at most ${high})` : "";
}

// A property of a JSON Schema with references and "or null" resolved.
export function resolved(schema, root) {
  let found = schema;
  while (found.$ref) found = { ...root.$defs[found.$ref.split("/").pop()], ...without(found, "$ref") };
  if (found.allOf?.length === 1) found = { ...resolved(found.allOf[0], root), ...without(found, "allOf") };
  if (found.anyOf) {
    const some = found.anyOf.filter((part) => part.type !== "null");
    if (some.length === 1) found = { ...resolved(some[0], root), ...without(found, "anyOf"), nullable: some.length < found.anyOf.length };
  }
  if (found.type === "array" && found.items) found = { ...found, items: resolved(found.items, root) };
  return found;
}

function without(object, key) {
  const { [key]: _, ...rest } = object;
  return rest;
}
