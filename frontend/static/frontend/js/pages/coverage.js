// Coverage of the market, month by month, and what one instrument lacks.
import "../lib/shell.js";
import { ApiError, get } from "../lib/api.js";
import { byId, setText } from "../lib/dom.js";
import { formatQuantity } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { standIn } from "../lib/panelstate.js";
import { t } from "../lib/text.js";
import { CoverPanel } from "../market/cover.js";
import { HeatGrid, monthWords } from "../market/heatgrid.js";
import { mountStale } from "../market/stale.js";

const form = byId("heat-form");
const grid = new HeatGrid(byId("heat"));
const panel = new CoverPanel(byId("cover"));
const YEAR_MONTHS = 12;
let all = [];
let months = [];
let turn = 0;
let today = null;

function say(text) {
  byId("heat-state").hidden = !text;
  byId("heat").hidden = byId("heat-foot").hidden = Boolean(text);
  setText(byId("heat-state"), text);
}

/** The first day of the first month shown, by the market's own calendar. */
async function firstDay(years) {
  today ??= (await get("calendar")).body.trade_date;
  const [year, month] = today.split("-").map(Number);
  const first = new Date(Date.UTC(year, month - years * YEAR_MONTHS, 1));
  return first.toISOString().slice(0, 10);
}

async function load() {
  const mine = (turn += 1);
  say(t("coverage.loading"));
  const { period, years, kind, market, q } = form.elements;
  try {
    const query = new URLSearchParams({ period: period.value, start: await firstDay(Number(years.value)) });
    for (const field of [kind, market, q]) if (field.value.trim()) query.set(field.name, field.value.trim());
    const { body } = await get(`coverage/months?${query}`);
    if (mine !== turn) return;
    months = body.months;
    all = body.symbols.map((symbol, at) => ({ symbol, name: body.names[at], ratios: body.ratios[at] }));
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (mine !== turn) return;
    say(error.text);
    standIn(byId("heat-state"), error, load);
  }
}

const lacking = (row) => row.ratios.some((ratio) => ratio >= 0 && ratio < 100);

function draw() {
  const rows = form.elements.lacking.checked ? all.filter(lacking) : all;
  setText(byId("heat-count"), t("coverage.count", { shown: formatQuantity(rows.length), all: formatQuantity(all.length) }));
  if (rows.length) {
    say("");
    grid.show(months, rows);
  } else say(all.length || form.elements.q.value || form.elements.kind.value || form.elements.market.value ? t("coverage.empty") : t("coverage.no_market"));
}

grid.addEventListener("move", ({ detail: { row, month, ratio } }) => setText(byId("heat-cell"), t("coverage.cell", { symbol: row.symbol, name: row.name, month, state: monthWords(ratio) })));
grid.addEventListener("open", async ({ detail: { row } }) => {
  byId("cover").hidden = false;
  history.replaceState(null, "", `#symbol=${row.symbol}`);
  await panel.show(row.symbol, form.elements.period.value, row.name);
  byId("cover").focus({ preventScroll: false });
});

let typing = null;
form.elements.q.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(load, 300);
});
for (const name of ["period", "years", "kind", "market"]) form.elements[name].addEventListener("change", load);
form.elements.lacking.addEventListener("change", draw);
form.addEventListener("submit", (event) => event.preventDefault());

// Bars that a job stored show themselves when it has ended.
socket.subscribe("jobs");
let dirty = null;
socket.addEventListener("jobs", ({ detail }) => {
  if (detail.snapshot || !detail.data.some((job) => job.finished_at && job.kind === "marketdata.repair")) return;
  clearTimeout(dirty);
  dirty = setTimeout(async () => {
    await load();
    if (!byId("cover").hidden) await panel.show(panel.symbol, panel.period);
  }, 500);
});

mountStale();
load();
const linked = new URLSearchParams(location.hash.slice(1)).get("symbol");
if (linked) {
  byId("cover").hidden = false;
  panel.show(linked, form.elements.period.value);
}
