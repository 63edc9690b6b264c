// The live page: every event of /events makes it anew from the samples so far.
import { curves, stacked } from "./charts.js";
import { Samples, grown, percentile } from "./samples.js";

// How many events are shown (one a second), and over how many latencies are looked at.
const [SHOWN, WINDOW] = [300, 10];
const STATUSES = ["2xx", "3xx", "1xx", "4xx", "5xx", "aborted"];
const SHARES = { p50: 0.5, p95: 0.95, p99: 0.99 };

const samples = new Samples();
const moments = [];
const element = (id) => document.getElementById(id);

function make(tag, content, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...[content].flat());
  return made;
}

function number(value) {
  if (value === undefined || Number.isNaN(value)) return "–";
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toPrecision(2);
}

function time(seconds) {
  if (seconds === undefined) return "–";
  return seconds < 1 ? `${number(seconds * 1000)} ms` : `${number(seconds)} s`;
}

function long(seconds) {
  const [days, hours, minutes] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  return days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min`;
}

// What is looked at over time.
function moment() {
  return {
    at: performance.now() / 1000,
    statuses: samples.by("spikard_requests_total", "status"),
    requests: samples.by("spikard_requests_total", "route", "status"),
    refusals: samples.by("spikard_refusals_total", "policy", "reason"),
    durations: samples.buckets("spikard_request_duration_seconds", "route"),
    upstreams: samples.by("spikard_upstream_requests_total", "upstream", "target", "outcome"),
    upstreamSums: samples.by("spikard_upstream_duration_seconds_sum", "upstream", "target"),
    upstreamCounts: samples.by("spikard_upstream_duration_seconds_count", "upstream", "target"),
    cpu: samples.sum("process_cpu_seconds_total"),
  };
}

// What was added to a part of the moment `at` since `back` moments earlier, and in how many seconds.
function since(part, at, back) {
  const [now, before] = [moments[at], moments[Math.max(0, at - back)]];
  return { added: grown(now[part], before[part]), seconds: now.at - before.at || 1 };
}

function latency(at, route, share) {
  const [now, before] = [moments[at], moments[Math.max(0, at - WINDOW)]];
  const buckets = now.durations.get(route);
  return buckets && percentile(grown(buckets, before.durations.get(route)), share);
}

// The rates of all moments; before the first one there are none.
function rates() {
  const perMoment = moments.map((_, at) => since("statuses", at, 1));
  const padding = new Array(SHOWN - moments.length).fill(0);
  return STATUSES.map((status) => [
    status,
    [...padding, ...perMoment.map(({ added, seconds }) => (added.get(status) ?? 0) / seconds)],
  ]);
}

function showTiles(last) {
  const { added, seconds } = since("statuses", last, 5);
  const answered = [...added.values()].reduce((sum, count) => sum + count, 0);
  const share = answered && (100 * (added.get("5xx") ?? 0)) / answered;
  const [now, before] = [moments[last], moments[Math.max(0, last - 5)]];
  const started = Math.min(...samples.of("process_start_time_seconds").map(({ value }) => value));
  const texts = {
    rate: number(answered / seconds),
    errors: `${number(share)} %`,
    p50: time(latency(last, "", SHARES.p50)),
    p99: time(latency(last, "", SHARES.p99)),
    flight: number(samples.sum("spikard_requests_in_flight")),
    connections: number(samples.sum("spikard_open_connections")),
    memory: `${number(samples.sum("process_resident_memory_bytes") / 2 ** 20)} MiB`,
    cpu: `${number(Math.round((100 * (now.cpu - before.cpu)) / (now.at - before.at || 1)))} %`,
    uptime: long(Date.now() / 1000 - started),
    version: samples.of("spikard_build_info")[0]?.labels.version ?? "",
  };
  for (const [id, text] of Object.entries(texts)) element(id).textContent = text;
}

function showCharts(last) {
  const series = rates();
  const now = series.map(([status, values]) => `${number(values.at(-1))} ${status}`).join(", ");
  stacked(element("traffic"), series, `Requests per second: ${now}`);
  const padding = new Array(SHOWN - moments.length).fill(undefined);
  const lines = Object.entries(SHARES).map(([name, share]) => [
    name,
    [...padding, ...moments.map((moment, at) => (moment.shares[name] ??= latency(at, "", share)))],
  ]);
  const words = lines.map(([name]) => `${name} ${time(latency(last, "", SHARES[name]))}`).join(", ");
  curves(element("latency"), lines, `Latency: ${words}`);
}

function showRefusals(last) {
  const { added } = since("refusals", last, SHOWN);
  const seen = [...added].filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
  const most = seen[0]?.[1] ?? 1;
  const bars = seen.slice(0, 12).map(([key, count]) => {
    const name = key.replace("\n", ": ");
    return make("div", [
      make("span", name),
      make("meter", [], { max: most, value: count, ariaLabel: name }),
      make("b", number(count)),
    ]);
  });
  element("refusals").replaceChildren(...(bars.length ? bars : [make("p", "none", { className: "none" })]));
}

function showUpstreams(last) {
  const health = samples.by("spikard_upstream_healthy", "upstream", "target");
  const inFlight = samples.by("spikard_upstream_in_flight", "upstream", "target");
  const { added, seconds } = since("upstreams", last, WINDOW);
  const sums = since("upstreamSums", last, WINDOW).added;
  const counts = since("upstreamCounts", last, WINDOW).added;
  const targets = new Map([...health.keys(), ...counts.keys()].map((key) => [key, { all: 0, bad: 0 }]));
  for (const [key, count] of added) {
    const [upstream, target, outcome] = key.split("\n");
    const of = targets.get(`${upstream}\n${target}`);
    if (of === undefined) continue;
    of.all += count;
    if (outcome !== "ok") of.bad += count;
  }
  const rows = [...targets].sort().map(([key, { all, bad }]) => {
    const state = { 0: "unhealthy", 1: "healthy" }[health.get(key)] ?? "unknown";
    const mean = counts.get(key) ? sums.get(key) / counts.get(key) : undefined;
    return make("div", [
      make("span", [], { className: "dot", title: state }),
      make("span", `${key.replace("\n", " ")} (${state})`),
      make("span", `${number(all / seconds)}/s`),
      make("span", `${number(bad / seconds)} failed/s`),
      make("span", time(mean)),
      make("span", `${number(inFlight.get(key) ?? 0)} in flight`),
    ], { className: state });
  });
  element("upstreams").replaceChildren(...(rows.length ? rows : [make("p", "none", { className: "none" })]));
}

function showRoutes(last) {
  const { added, seconds } = since("requests", last, WINDOW);
  const rows = new Map();
  for (const [key, total] of moments[last].requests) {
    const [route, status] = key.split("\n");
    const row = rows.get(route) ?? { all: 0, "4xx": 0, "5xx": 0, total: 0 };
    const count = added.get(key) ?? 0;
    row.all += count;
    row.total += total;
    if (status in row) row[status] += count;
    rows.set(route, row);
  }
  const busiest = [...rows].sort(([, one], [, other]) => other.all - one.all || other.total - one.total).slice(0, 50);
  element("routes").replaceChildren(...busiest.map(([route, row]) => make("tr", [
    route,
    number(row.all / seconds),
    number(row["4xx"] / seconds),
    number(row["5xx"] / seconds),
    time(latency(last, route, SHARES.p50)),
    time(latency(last, route, SHARES.p99)),
    number(row.total),
  ].map((text) => make("td", text)))));
}

function show(state) {
  element("state").textContent = state;
  element("state").className = state.split(" ")[0];
}

for (const [legend, names] of [["traffic", STATUSES], ["latency", Object.keys(SHARES)]]) {
  element(`${legend}-legend`).append(...names.map((name) => make("span", [make("i", [], { className: `c-${name}` }), name])));
}

const events = new EventSource("/events");
events.addEventListener("metrics", (event) => {
  samples.update(event.data);
  moments.push({ ...moment(), shares: {} });
  if (moments.length > SHOWN) moments.shift();
  const last = moments.length - 1;
  show(samples.of("spikard_ready").every(({ value }) => value === 1) ? "ready" : "draining");
  showTiles(last);
  showCharts(last);
  showRefusals(last);
  showUpstreams(last);
  showRoutes(last);
});
events.addEventListener("error", () => show("lost the connection"));
