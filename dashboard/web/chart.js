const SVG = "http://www.w3.org/2000/svg";
const W = 520, H = 170, LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 22;

function el(name, attributes = {}, text) {
  const node = document.createElementNS(SVG, name);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  if (text !== undefined) node.textContent = text;
  return node;
}

// step is a round distance between grid lines: 1, 2 or 5 times a power of ten, or of a minute for durations.
function step(max, kind) {
  const rough = max / 3;
  if (kind === "avg_session_duration" && rough > 10) {
    for (const s of [15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400]) if (s >= rough) return s;
  }
  const ten = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((u) => u * ten >= rough) * ten;
  return kind === "sessions" || kind === "active_users" ? Math.max(1, unit) : unit;
}

// card makes the frame of a chart once, and finds it again.
function card(c) {
  const id = `chart-${c.metric}`;
  let figure = document.getElementById(id);
  if (figure) return figure;
  figure = Object.assign(document.createElement("figure"), { id, className: "card" });
  const title = Object.assign(document.createElement("h2"), { textContent: c.title });
  const big = Object.assign(document.createElement("p"), { className: "big" });
  const read = Object.assign(document.createElement("p"), { className: "read" });
  figure.append(title, big, el("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" }), read);
  document.getElementById("charts").append(figure);
  return figure;
}

// chart draws one metric of the rows, a row a day, and its figure over the whole range.
export function chart(c, rows, total) {
  const figure = card(c);
  const value = (v) => (v === null || v === undefined ? "–" : c.show(v));
  const big = figure.querySelector(".big");
  big.replaceChildren(`${value(total)} `, Object.assign(document.createElement("small"), { textContent: c.total }));

  const values = rows.map((r) => r[c.metric]);
  const most = Math.max(0, ...values.filter((v) => v !== null));
  const gap = step(most || 1, c.metric);
  const top = Math.max(gap, Math.ceil(most / gap - 1e-9) * gap);
  const x = (i) => LEFT + (rows.length > 1 ? (i / (rows.length - 1)) * (W - LEFT - RIGHT) : (W - LEFT - RIGHT) / 2);
  const y = (v) => TOP + (1 - v / top) * (H - TOP - BOTTOM);

  const fresh = el("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": summary(c, rows, values, value) });
  for (let v = 0; v <= top + gap / 2; v += gap) {
    fresh.append(el("line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: y(v), y2: y(v) }));
    fresh.append(el("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, short(c, v)));
  }
  ticks(rows).forEach((i) => fresh.append(el("text", { x: x(i), y: H - 6, "text-anchor": anchor(i, rows.length) }, rows[i].bucket.slice(5))));
  curves(values).forEach((run) => {
    const points = run.map((i) => `${x(i).toFixed(1)},${y(values[i]).toFixed(1)}`);
    fresh.append(el("path", { class: "area", d: `M${x(run[0])},${y(0)}L${points.join("L")}L${x(run.at(-1))},${y(0)}Z` }));
    fresh.append(run.length > 1 ? el("path", { class: "curve", d: `M${points.join("L")}` })
      : el("circle", { class: "dot", r: 4, cx: x(run[0]), cy: y(values[run[0]]) }));
  });
  hover(figure, fresh, rows, values, x, y, value);
  figure.querySelector("svg").replaceWith(fresh);
}

const short = (c, v) => (c.metric === "bounce_rate" ? `${Math.round(v * 100)}%` : v >= 1e6 ? `${v / 1e6}M` : v >= 1e4 ? `${v / 1e3}k` : c.show(v).replace(".0 s", " s"));

const anchor = (i, n) => (i === 0 && n > 1 ? "start" : i === n - 1 && n > 1 ? "end" : "middle");

function summary(c, rows, values, value) {
  if (!rows.length) return `${c.title}: no data`;
  return `${c.title} by day from ${rows[0].bucket} (${value(values[0])}) to ${rows.at(-1).bucket} (${value(values.at(-1))})`;
}

// ticks are the days that are named below the chart: six at most, evenly apart.
function ticks(rows) {
  const n = Math.min(6, rows.length);
  return [...new Set(Array.from({ length: n }, (_, i) => Math.round((i * (rows.length - 1)) / Math.max(1, n - 1))))];
}

// curves are the runs of days that have a value.
function curves(values) {
  const runs = [];
  values.forEach((v, i) => {
    if (v === null) return;
    if (i > 0 && values[i - 1] !== null) runs.at(-1).push(i);
    else runs.push([i]);
  });
  return runs;
}

function hover(figure, svg, rows, values, x, y, value) {
  const hair = el("line", { class: "hair", y1: TOP, y2: H - BOTTOM, visibility: "hidden" });
  const dot = el("circle", { class: "dot", r: 4, visibility: "hidden" });
  const read = figure.querySelector(".read");
  svg.append(hair, dot);
  const last = rows.length - 1;
  const tell = (i) => { read.textContent = i < 0 ? "No days" : `${rows[i].bucket}: ${value(values[i])}`; };
  tell(last);
  svg.addEventListener("pointermove", (e) => {
    if (last < 0) return;
    const box = svg.getBoundingClientRect();
    const at = ((e.clientX - box.left) / box.width) * W;
    const i = Math.max(0, Math.min(last, Math.round(((at - LEFT) / (W - LEFT - RIGHT)) * last)));
    hair.setAttribute("x1", x(i));
    hair.setAttribute("x2", x(i));
    hair.setAttribute("visibility", "visible");
    if (values[i] !== null) { dot.setAttribute("cx", x(i)); dot.setAttribute("cy", y(values[i])); }
    dot.setAttribute("visibility", values[i] === null ? "hidden" : "visible");
    tell(i);
  });
  svg.addEventListener("pointerleave", () => {
    hair.setAttribute("visibility", "hidden");
    dot.setAttribute("visibility", "hidden");
    tell(last);
  });
}
