// Sectors in groups and indices with weights; the members of one on a day. The address names what is open.
import "../lib/shell.js";
import { ApiError, get } from "../lib/api.js";
import { boot, byId, element, setText } from "../lib/dom.js";
import { NONE } from "../lib/format.js";
import { showRefusal } from "../lib/refusal.js";
import { Pages } from "../lib/rows.js";
import { symbolCell } from "../lib/symbols.js";
import { KeyedTable } from "../lib/table.js";
import { standIn } from "../lib/panelstate.js";
import { t } from "../lib/text.js";
import { mountStale } from "../market/stale.js";

const MOST = 1000;
const indices = boot.indices.map(({ symbol, name }) => ({ kind: "index", id: symbol, title: name }));
const INDUSTRY = /^([A-Z]+\d?)(?=\p{Script=Han})/u; // "SW1银行": the classification's mark before the name
const form = byId("sector-form");
let sectors = [];
let chosen = null; // {kind: "sector" | "index", id, title}
let members = [];

const table = new KeyedTable(
  byId("members"),
  [
    { fill: symbolCell },
    { className: "num weight", text: (row) => (row.weight === undefined ? "" : `${Number(row.weight).toFixed(4)}%`) },
    { className: "tabular", text: (row) => row.valid_from },
    { className: "tabular", text: (row) => row.valid_to ?? NONE },
  ],
  { empty: byId("members-empty") },
);

const query = (more = {}) => new URLSearchParams({ ...(form.elements.on.value ? { on: form.elements.on.value } : {}), ...more });

/** Sectors under their classification, markets and boards apart, indices first. */
function groups() {
  const found = new Map([[t("sector.group.index"), indices], [t("sector.group.market"), []]]);
  for (const { name } of sectors) {
    const mark = name.match(INDUSTRY)?.[1];
    const title = mark ? t("sector.group.industry", { name: mark }) : t("sector.group.market");
    found.set(title, [...(found.get(title) ?? []), { kind: "sector", id: name, title: mark ? name.slice(mark.length) : name }]);
  }
  return found;
}

function entry(one) {
  const button = element("button", { type: "button", textContent: one.title, dataset: { kind: one.kind, id: one.id } });
  if (chosen && chosen.kind === one.kind && chosen.id === one.id) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => open(one));
  return element("li", {}, button);
}

function drawList() {
  const needle = form.elements.q.value.trim().toLowerCase();
  const focused = document.activeElement?.dataset?.id;
  const parts = [...groups()].flatMap(([title, all]) => {
    const shown = all.filter(({ id, title: name }) => `${id} ${name}`.toLowerCase().includes(needle));
    return shown.length ? [element("details", { open: true }, element("summary", { textContent: `${title} · ${shown.length}` }), element("ul", {}, ...shown.map(entry)))] : [];
  });
  byId("sector-list").replaceChildren(...parts);
  if (focused) [...byId("sector-list").querySelectorAll("button")].find(({ dataset }) => dataset.id === focused)?.focus();
  byId("sectors-state").hidden = parts.length > 0;
  setText(byId("sectors-state"), t("sector.none"));
}

function show(results, first) {
  members = first ? results : [...members, ...results];
  if (chosen.kind === "index") members.sort((a, b) => Number(b.weight) - Number(a.weight));
  table.render(members.map((row) => ({ ...row, key: row.symbol })));
  setText(byId("members-count"), t("sector.count", { count: `${members.length}${byId("members-more").hidden ? "" : "+"}` }));
}

/** What nobody recorded for the day: the reason stands where the members would. */
function refused(error) {
  show([], true);
  setText(byId("members-count"), "");
  byId("members-empty").hidden = byId("members-more").hidden = true;
  showRefusal(byId("members-error"), error);
}

const pages = new Pages(byId("members-more"), show, refused);

async function open(one) {
  chosen = one;
  history.replaceState(null, "", `#${one.kind}=${encodeURIComponent(one.id)}`);
  drawList();
  setText(byId("members-title"), t(one.kind === "index" ? "sector.weights" : "sector.members", { name: one.title }));
  byId("members").classList.toggle("weighted", one.kind === "index");
  setText(byId("members-empty"), t("sector.empty"));
  showRefusal(byId("members-error"));
  const path = one.kind === "index" ? "index-weights" : `sectors/${encodeURIComponent(one.id)}/members`;
  await pages.load(path, query({ limit: String(MOST), ...(one.kind === "index" ? { index: one.id } : {}) }));
}

async function load() {
  try {
    sectors = (await get(`sectors?${query({ limit: String(MOST) })}`)).body.results;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    standIn(byId("sectors-state"), error, load);
    return;
  }
  drawList();
}

function linked() {
  const [kind, id] = Object.entries(Object.fromEntries(new URLSearchParams(location.hash.slice(1))))[0] ?? [];
  if (kind !== "sector" && kind !== "index") return null;
  return { kind, id, title: indices.find((one) => one.id === id)?.title ?? id };
}

form.elements.q.addEventListener("input", drawList);
form.elements.on.addEventListener("change", async () => {
  await load();
  if (chosen) await open(chosen);
});
form.addEventListener("submit", (event) => event.preventDefault());
mountStale();
load().then(() => {
  const wanted = linked();
  if (wanted) open(wanted);
});
