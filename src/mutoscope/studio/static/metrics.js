// What a run logs while it trains: columns by stage, of which only the new lines are asked for.
import { useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { ask, at, on } from "./api.js";

export const CURVES = { loss: "Loss", lr: "Learning rate", examples_per_s: "Clips per second", mfu: "Share of the matmul rate (MFU)", grad_norm: "Gradient norm" };

export function useMetrics(name) {
  const [stages, set] = useState(null);
  const held = useRef({ stages: {}, next: 0 });
  useEffect(() => {
    let asking = false, due = false, gone = false;
    const more = async () => {
      if (asking) { due = true; return; }
      asking = true;
      try {
        const told = await ask(at("/api/run/metrics", { run: name, after: held.current.next }));
        if (gone) return;
        held.current = { stages: told.restart ? told.stages : joined(held.current.stages, told.stages), next: told.next };
        set(held.current.stages);
      } catch {
        // the next event asks again
      } finally {
        asking = false;
        if (due) { due = false; more(); }
      }
    };
    more();
    const off = on((event, data) => (event === "all" || (event === "run" && data === name)) && more());
    return () => { gone = true; off(); };
  }, [name]);
  return stages;
}

function joined(before, fresh) {
  const found = { ...before };
  for (const [stage, table] of Object.entries(fresh)) {
    const old = found[stage], count = old?.step.length || 0, added = table.step.length, columns = {};
    for (const name of new Set([...Object.keys(old || {}), ...Object.keys(table)])) {
      columns[name] = [...(old?.[name] || Array(count).fill(null)), ...(table[name] || Array(added).fill(null))];
    }
    found[stage] = columns;
  }
  return found;
}
