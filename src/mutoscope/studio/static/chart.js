// Curves, drawn by uPlot: zoom by dragging or wheel, pan with shift or a second finger, double click for all of it.
import { html, useEffect, useRef } from "./vendor/preact-htm.js";

export const COLOURS = ["#d9480f", "#1c7ed6", "#2f9e44", "#9c36b5", "#e67700", "#0b7285", "#c2255c", "#5f3dc4"];

// series: [{label, x: [...], y: [...], colour}]; each has steps of its own. x: what they are steps of.
export function Chart({ series, log, smooth, label, height = 260, x = "step" }) {
  const box = useRef(null), plot = useRef(null), range = useRef(null);
  useEffect(() => {
    const make = () => {
      plot.current?.destroy();
      range.current = null; // a new plot has no range yet to be kept
      plot.current = new uPlot(options(box.current, series, log, label, height, x), data(series, smooth, log), box.current);
    };
    make();
    const resized = new ResizeObserver(() => plot.current.setSize({ width: box.current.clientWidth, height }));
    resized.observe(box.current);
    addEventListener("themechange", make);
    return () => {
      resized.disconnect();
      removeEventListener("themechange", make);
      plot.current.destroy();
      plot.current = null;
    };
  }, [series.map((one) => one.label + one.colour).join("\n"), log, label, height, x]);
  useEffect(() => {
    if (!plot.current) return;
    const zoomed = range.current !== null && isZoomed(plot.current);
    plot.current.setData(data(series, smooth, log), !zoomed);
    if (zoomed) plot.current.redraw();
    range.current = true;
  }, [series, smooth]);
  return html`<div class="chart" ref=${box} role="img" aria-label=${summary(series, label)}></div>`;
}

function isZoomed(plot) {
  const x = plot.data[0], scale = plot.scales.x;
  return x.length > 1 && (scale.min > x[0] || scale.max < x[x.length - 1] * 0.98);
}

function summary(series, label) {
  const lasts = series.map((one) => `${one.label} ${Number((one.y.findLast((v) => v !== null) ?? NaN).toPrecision(4))}`);
  return `${label}: ${lasts.join(", ")}`;
}

function data(series, smooth, log) {
  if (series.length === 1) return [series[0].x, smoothed(positive(series[0].y, log), smooth)];
  const tables = series.map((one) => [one.x, smoothed(positive(one.y, log), smooth)]);
  return tables.length ? uPlot.join(tables) : [[], []];
}

const positive = (values, log) => (log ? values.map((value) => (value !== null && value > 0 ? value : null)) : values);

// Exponential mean, corrected for its start (as Adam's): share 0 = as it is.
export function smoothed(values, share) {
  if (!share) return values;
  let mean = 0, weight = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = share * mean + (1 - share) * value;
    weight = share * weight + (1 - share);
    return mean / weight;
  });
}

function options(box, series, log, label, height, x) {
  const style = getComputedStyle(document.body);
  const ink = style.color, grid = { stroke: "#8884", width: 1 };
  return {
    width: box.clientWidth || 600,
    height,
    scales: { x: { time: false }, y: log ? { distr: 3 } : {} },
    axes: [{ stroke: ink, grid, label: x }, { stroke: ink, grid, size: 64 }],
    series: [{ label: x }, ...series.map((one, k) => ({ label: one.label, stroke: one.colour || COLOURS[k % COLOURS.length], width: 1.6, spanGaps: true,
      points: { show: one.x.length < 40 } }))],
    cursor: { drag: { x: true, y: false } },
    legend: { show: true },
    plugins: [wheel()],
    title: label,
  };
}

function wheel() {
  return {
    hooks: {
      ready: (plot) => {
        plot.over.addEventListener("wheel", (event) => {
          event.preventDefault();
          const { min, max } = plot.scales.x, x = plot.data[0];
          if (event.shiftKey) {
            const by = ((max - min) * (event.deltaY || event.deltaX)) / 1000;
            plot.setScale("x", { min: min + by, max: max + by });
            return;
          }
          const share = (event.clientX - plot.over.getBoundingClientRect().left) / plot.over.clientWidth;
          const middle = min + share * (max - min), by = event.deltaY < 0 ? 0.8 : 1.25;
          plot.setScale("x", { min: Math.max(x[0], middle - (middle - min) * by), max: Math.min(x[x.length - 1], middle + (max - middle) * by) });
        }, { passive: false });
      },
    },
  };
}
