// How the installation is doing: read every five seconds while somebody looks, changed cell by cell.
import "../lib/shell.js";
import { get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { formatStamp, formatTime, NONE } from "../lib/format.js";
import { KeyedTable } from "../lib/table.js";
import { hasText, t } from "../lib/text.js";

const EVERY = 5000;
const STEPS = [["days", 86400], ["hours", 3600], ["minutes", 60]];
const SIZES = ["B", "KB", "MB", "GB", "TB"];

/** Seconds as people say them: 12 s, 3 min, 5 h. */
function age(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const [unit, size] = STEPS.find(([, length]) => seconds >= 2 * length) ?? ["seconds", 1];
  return t(`age.${unit}`, { count: Math.floor(seconds / size) });
}

function bytes(size) {
  if (size === null) return t("storage.away");
  const step = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(size, 1)) / 3));
  return `${(size / 1000 ** step).toFixed(step < 2 ? 0 : 1)} ${SIZES[step]}`;
}

const milliseconds = (value) => (value === null ? NONE : value.toFixed(value < 100 ? 1 : 0));
const worded = (key, plain) => (hasText(key) ? t(key) : plain);

function badge(cell, text, className) {
  const node = cell.querySelector(".badge") ?? cell.appendChild(element("span"));
  node.className = `badge ${className}`;
  setText(node, text);
}

const TONES = { OK: "process-ok", LATE: "process-late", SILENT: "process-bad", MISSING: "process-bad" };

const processes = new KeyedTable(byId("processes"), [
  {
    fill: (cell, row) => {
      if (!cell.firstElementChild) cell.append(element("span"), element("span", { className: "sub" }));
      setText(cell.firstElementChild, row.name);
      setText(cell.lastElementChild, row.expected ? "" : t("process.optional"));
    },
  },
  { fill: (cell, row) => badge(cell, t(`process.${row.state}`), row.expected ? TONES[row.state] : row.state === "OK" ? "process-ok" : "") },
  { className: "num", text: (row) => age(row.age_seconds) },
  { text: (row) => formatStamp(row.started_at) },
  { text: (row) => row.machine || NONE },
  { className: "num", text: (row) => (row.pid === null ? NONE : String(row.pid)) },
]);

const queues = new KeyedTable(byId("queues"), [
  { text: (row) => row.title },
  {
    className: "num",
    fill: (cell, row) => {
      setText(cell, String(row.count));
      cell.classList.toggle("waits", row.count > 0);
    },
  },
  { className: "num", text: (row) => (row.count ? age(row.oldest) : NONE) },
]);

const hosts = new KeyedTable(
  byId("hosts"),
  [
    { text: (row) => row.name },
    { text: (row) => t(`host.${row.kind}`) },
    {
      fill: (cell, row) => {
        badge(cell, t(`session.${row.session_state}`), row.session_state === "READY" ? "process-ok" : "process-bad");
        cell.title = row.message;
      },
    },
    { text: (row) => row.trade_date ?? NONE },
    { text: (row) => worded(`phase.${row.phase}`, row.phase || NONE) },
    { className: "num", text: (row) => age(row.tick_age_seconds) },
    { text: (row) => row.sdk_version || NONE },
    { className: "num", text: (row) => age(row.reported_at === null ? null : Math.max(0, (row.now - Date.parse(row.reported_at)) / 1000)) },
  ],
  { empty: byId("hosts-empty") },
);

let scale = 1;
const hops = new KeyedTable(
  byId("hops"),
  [
    { text: (row) => t(`hop.${row.name}`) },
    { className: "num", text: (row) => String(row.count) },
    { className: "num", text: (row) => milliseconds(row.p50) },
    { className: "num", text: (row) => milliseconds(row.p90) },
    { className: "num", text: (row) => milliseconds(row.p99) },
    { className: "num", text: (row) => milliseconds(row.max) },
    {
      className: "hop-cell",
      fill: (cell, row) => {
        const bar = cell.firstElementChild ?? cell.appendChild(element("div", { className: "hop-bar", role: "img" }, element("span"), element("span")));
        bar.setAttribute("aria-label", t("hops.bar", { p50: milliseconds(row.p50), p99: milliseconds(row.p99) }));
        [row.p99, row.p50].forEach((value, index) => bar.children[index].style.setProperty("width", `${((value ?? 0) / scale) * 100}%`));
      },
    },
  ],
  { empty: byId("hops-empty") },
);

function queueRows({ orders, cancels, lanes, repair, tasks }, known) {
  const row = (key, title, count, oldest) => ({ key, title, count, oldest });
  return [
    ...orders.map((one) => row(`order ${one.host} ${one.status}`, t("queue.orders", { status: t(`queue_status.${one.status}`), host: one.host }), one.count, one.oldest_seconds)),
    ...cancels.map((one) => row(`cancel ${one.host}`, t("queue.cancels", { host: one.host }), one.count, one.oldest_seconds)),
    ...lanes.map((one) => row(`lane ${one.host} ${one.purpose}`, t(`queue.lane.${one.purpose}`, { host: one.host }), one.waiting, one.oldest_seconds)),
    ...known.filter((host) => host.events_pending !== null).map((host) => row(`events ${host.name}`, t("queue.events", { host: host.name }), host.events_pending, null)),
    row("repair", t("queue.repair"), repair.waiting + repair.running, repair.oldest_seconds),
    ...Object.entries(tasks ?? {}).map(([queue, count]) => row(`tasks ${queue}`, t("queue.tasks", { queue }), count, null)),
  ];
}

function drawStorage({ disk, databases }) {
  setText(byId("disk-free"), t("storage.free", { free: bytes(disk.free), total: bytes(disk.total) }));
  byId("disk").value = disk.free / disk.total;
  for (const database of databases) {
    setText(byId(`name-${database.alias}`), `${t(`database.${database.alias}`)} (${database.vendor})`);
    setText(byId(`size-${database.alias}`), bytes(database.size));
  }
}

function drawVersions({ project, python, django, sdk, schema }) {
  for (const [name, version] of Object.entries({ project, python, django, sdk: sdk || t("system.no_sdk") })) setText(byId(`version-${name}`), version);
  const words = Object.entries(schema).map(([app, migration]) => `${app} ${migration}`);
  if (byId("schema").dataset.words === words.join()) return;
  byId("schema").dataset.words = words.join();
  byId("schema").replaceChildren(...words.map((text) => element("li", {}, element("code", { textContent: text }))));
}

function drawSystem(system) {
  const trouble = system.processes.filter((one) => one.expected && one.state !== "OK").length;
  const count = system.processes.length;
  setText(byId("processes-summary"), trouble ? t("processes.trouble", { trouble, count }) : t("processes.all", { count }));
  processes.render(system.processes.map((one) => ({ ...one, key: one.name })));
  queues.render(queueRows(system.queues, system.hosts));
  byId("no-redis").hidden = system.queues.tasks !== null;
  setText(byId("no-redis"), t("queue.no_redis"));
  hosts.render(system.hosts.map((one) => ({ ...one, key: one.name, now: Date.parse(system.at) })));
  drawStorage(system.storage);
  drawVersions(system.versions);
  setText(byId("updated"), t("system.updated", { time: formatTime(system.at) }));
}

function drawHops({ trade_date: date, hops: found }) {
  const sent = found.filter((hop) => hop.count > 0);
  scale = Math.max(1e-9, ...sent.map((hop) => hop.p99));
  setText(byId("hops-day"), date === null ? "" : t("hops.day", { date }));
  setText(byId("hops-empty"), date === null ? t("hops.no_date") : t("hops.none", { date }));
  hops.render(sent.map((hop) => ({ ...hop, key: hop.name })));
}

let heard = null;

function drawTrouble(error) {
  const node = byId("stale");
  node.hidden = error === null;
  document.querySelector(".page").classList.toggle("is-stale", error !== null && heard !== null);
  if (error !== null) setText(node, heard === null ? t("system.failed", { reason: error.text ?? error.message }) : t("system.stale", { time: formatTime(heard) }));
}

async function look() {
  if (document.hidden) return;
  try {
    const [system, latency] = await Promise.all([get("system"), get("system/latency")]);
    heard = Date.now();
    drawSystem(system.body);
    drawHops(latency.body);
    drawTrouble(null);
  } catch (error) {
    drawTrouble(error);
  }
}

async function lookAgainAndAgain() {
  await look();
  setTimeout(lookAgainAndAgain, EVERY);
}

document.addEventListener("visibilitychange", look);
lookAgainAndAgain();
