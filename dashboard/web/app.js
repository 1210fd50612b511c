import { chart } from "./chart.js";

const count = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const REFRESH = 5000; // ms
const DAY = 86400e3;

const charts = [
  { metric: "active_users", title: "Daily active users", total: "distinct users in the range", show: (v) => count.format(v) },
  { metric: "sessions", title: "Sessions", total: "in the range", show: (v) => count.format(v) },
  { metric: "avg_session_duration", title: "Average session duration", total: "over the range", show: duration },
  { metric: "bounce_rate", title: "Bounce rate", total: "over the range", show: (v) => percent.format(v) },
];
const metrics = charts.map((c) => c.metric).join(",");

const $ = (id) => document.getElementById(id);
const form = $("filters");
let dimensions = [];
let round = 0; // of asking; an answer to an older round is dropped
let answered = 0; // the last round that ended

function duration(s) {
  if (s < 60) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  const rest = String(whole % 60).padStart(2, "0");
  return whole < 3600 ? `${Math.floor(whole / 60)}:${rest} min` : `${Math.floor(whole / 3600)}:${String(Math.floor(whole / 60) % 60).padStart(2, "0")} h`;
}

// A day is a text, YYYY-MM-DD, as in the API.
const shift = (day, days) => new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
const escape = (value) => value.replace(/[\\,]/g, "\\$&");

async function ask(path, params) {
  const reply = await fetch(params ? `${path}?${params}` : path, { headers: { Accept: "application/json" } });
  const body = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(body.detail || `the server answered ${reply.status}`);
  return body;
}

// state is what the page shows: from and to as in the API, and the chosen value of each dimension.
function readURL() {
  const url = new URLSearchParams(location.search);
  const values = Object.fromEntries(dimensions.map((d) => [d, url.get(`filter.${d}`)]).filter(([, v]) => v));
  return { from: url.get("from"), to: url.get("to"), values };
}

function writeURL(state) {
  const url = new URLSearchParams({ from: state.from, to: state.to });
  for (const [d, v] of Object.entries(state.values)) url.set(`filter.${d}`, v);
  const target = `?${url}`;
  if (target !== location.search) history.pushState(null, "", target);
}

async function newestRange() {
  const days = await ask("api/v1/metrics");
  const newest = days.length ? days[0].event_date : new Date().toISOString().slice(0, 10);
  return { from: shift(newest, -89), to: shift(newest, 1) };
}

async function stateOf() {
  const state = readURL();
  return state.from && state.to ? state : { ...state, ...(await newestRange()) };
}

function fillForm(state) {
  if (form.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
  form.elements.from.value = state.from;
  form.elements.through.value = shift(state.to, -1);
  for (const d of dimensions) form.elements[`filter.${d}`].value = state.values[d] || "";
}

function readForm() {
  const values = {};
  for (const d of dimensions) {
    const value = form.elements[`filter.${d}`].value;
    if (value) values[d] = value;
  }
  return { from: form.elements.from.value, to: shift(form.elements.through.value, 1), values };
}

async function show() {
  const mine = ++round;
  try {
    const state = await stateOf();
    const params = new URLSearchParams({ from: state.from, to: state.to, metrics });
    for (const [d, v] of Object.entries(state.values)) params.set(`filter.${d}`, escape(v));
    const daily = new URLSearchParams([...params, ["grain", "day"], ["fill", "zero"]]);
    const total = new URLSearchParams([...params, ["grain", "total"], ["fill", "zero"]]);
    const [days, sum] = await Promise.all([ask("api/v1/query", daily), ask("api/v1/query", total)]);
    if (mine !== round) return;
    fillForm(state);
    draw(state, days, sum.rows[0] || {});
    $("csv").href = `api/v1/query?${new URLSearchParams([...params, ["grain", "day"], ["format", "csv"]])}`;
    trouble("");
  } catch (err) {
    if (mine === round) trouble(err.message);
  } finally {
    answered = Math.max(answered, mine);
  }
}

function trouble(text) {
  $("problem").hidden = !text;
  if (text) $("state").textContent = "Not up to date";
  $("problem").textContent = text && `The figures could not be brought up to date: ${text}`;
  document.querySelector("main").classList.toggle("stale", Boolean(text));
}

function draw(state, reply, sum) {
  for (const c of charts) chart(c, reply.rows, sum[c.metric] ?? null);
  const some = reply.rows.filter((r) => r.active_users || r.sessions);
  $("rows").replaceChildren(...(some.length ? some.reverse().map(tableRow) : [emptyRow()]));
  const at = reply.as_of ? reply.as_of.slice(0, 19).replace("T", " ") : "";
  $("state").textContent = at ? `As of ${at}` : "Nothing was recorded yet";
  const through = reply.complete_through ? reply.complete_through.slice(0, 19).replace("T", " ") : "–";
  $("made").textContent = `Exact. Complete through ${through}; ${count.format(reply.duplicates)} duplicates and ${count.format(reply.late)} late events left out; build ${reply.build}.`;
}

function tableRow(r) {
  const tr = document.createElement("tr");
  const day = document.createElement("th");
  day.scope = "row";
  day.textContent = r.bucket;
  tr.append(day, ...charts.map((c) => {
    const td = document.createElement("td");
    td.textContent = r[c.metric] === null ? "–" : c.show(r[c.metric]);
    return td;
  }));
  return tr;
}

function emptyRow() {
  const tr = document.createElement("tr");
  const td = document.createElement("td");
  td.colSpan = 1 + charts.length;
  td.textContent = "No events match in this range.";
  tr.append(td);
  return tr;
}

// choices offers the heaviest values that contain what was typed.
async function choices(d, list, search) {
  const { values } = await ask(`api/v1/dimensions/${encodeURIComponent(d)}`, new URLSearchParams({ search, limit: 50 }));
  list.replaceChildren(...values.map(({ value, weight }) => {
    const option = document.createElement("option");
    option.value = value;
    option.label = `${value}: ${count.format(weight)} events`;
    return option;
  }));
}

function filterField(d, i) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { name: `filter.${d}`, placeholder: "any", autocomplete: "off" });
  const list = Object.assign(document.createElement("datalist"), { id: `values-${i}` });
  input.setAttribute("list", list.id);
  label.append(d, input, list);
  const offer = () => choices(d, list, input.value).catch((err) => trouble(err.message));
  input.addEventListener("focus", offer);
  input.addEventListener("input", offer);
  return label;
}

function apply() {
  if (!form.reportValidity()) return;
  writeURL(readForm());
  show();
}

async function start() {
  try {
    ({ dimensions } = await ask("api/v1/dimensions"));
  } catch (err) {
    trouble(err.message);
    setTimeout(start, REFRESH);
    return;
  }
  $("dimensions").replaceChildren(...dimensions.map(filterField));
  form.addEventListener("change", apply);
  form.addEventListener("submit", (e) => { e.preventDefault(); apply(); });
  $("clear").addEventListener("click", () => {
    for (const d of dimensions) form.elements[`filter.${d}`].value = "";
    apply();
  });
  addEventListener("popstate", show);
  await show();
  setInterval(() => { if (!document.hidden && answered === round) show(); }, REFRESH);
}

start();
