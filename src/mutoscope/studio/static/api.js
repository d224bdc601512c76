// Questions to the server, and its stream of what has changed.
import { useEffect, useState, useRef, useCallback } from "./vendor/preact-htm.js";

export class Refusal extends Error {
  constructor(message, fields, status) {
    super(message);
    this.fields = fields;
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refusal("The studio does not answer. Is it still running in its terminal?", {}, 0);
  }
  const text = await answer.text();
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch {
    told = { message: text };
  }
  if (!answer.ok) throw new Refusal(told?.message || `the server answered ${answer.status}`, told?.fields || {}, answer.status);
  return told;
}

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
export const remove = (path) => ask(path, { method: "DELETE" });
export const at = (path, values) => `${path}?${new URLSearchParams(values)}`;

// One stream for the whole page, while it is seen. Listeners hear ("jobs", "") and ("run", name); after a gap, everything.
const listeners = new Set();
let connected = true;

export function listen() {
  const tell = (event, data) => listeners.forEach((listener) => listener(event, data));
  let missed = document.hidden;
  const open = () => {
    const source = new EventSource("/api/events");
    source.addEventListener("hello", () => {
      if (missed) tell("all", "");
      [missed, connected] = [false, true];
      tell("connection", "");
    });
    source.addEventListener("jobs", () => tell("jobs", ""));
    source.addEventListener("run", (event) => tell("run", JSON.parse(event.data)));
    source.onerror = () => {
      [missed, connected] = [true, false];
      tell("connection", "");
    };
    return source;
  };
  // Browsers open six connections to one address: a page that nobody sees must not hold one.
  let source = null;
  const seen = () => {
    if (!document.hidden) source ??= open();
    else if (source) {
      source.close();
      [source, missed] = [null, true];
    }
  };
  document.addEventListener("visibilitychange", seen);
  seen();
}

export function useConnection() {
  const [here, set] = useState(connected);
  useEffect(() => on((event) => event === "connection" && set(connected)), []);
  return here;
}

export function on(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// All jobs of late; undefined until they are known.
export const useJobs = () => useAnswer("/api/jobs", (event) => event === "jobs").value;

// An answer that is asked for again whenever `matters(event, data)`. {value, error, again}
export function useAnswer(path, matters = () => false) {
  const [state, set] = useState({ value: undefined, error: null });
  const latest = useRef(0);
  const again = useCallback(async () => {
    if (path === null) return;
    const number = ++latest.current;
    try {
      const value = await ask(path);
      if (number === latest.current) set({ value, error: null });
    } catch (error) {
      if (number === latest.current) set((before) => ({ ...before, error }));
    }
  }, [path]);
  useEffect(() => {
    set({ value: undefined, error: null });
    again();
  }, [path]);
  useEffect(() => on((event, data) => (event === "all" || matters(event, data)) && again()), [again]);
  return { ...state, again };
}
