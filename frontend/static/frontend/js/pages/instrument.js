// One instrument: chart, quote, ticks, what one's accounts have of it, and how complete its bars are.
import "../lib/shell.js";
import { get } from "../lib/api.js";
import { boot, byId, setText, setTone } from "../lib/dom.js";
import { formatPrice, number, tickDigits } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { Chart } from "../chart/chart.js";
import { forgetInstruments, instrument } from "../desk/instruments.js";
import { Ladder } from "../desk/ladder.js";
import { Quotes } from "../desk/quotes.js";
import { Status } from "../desk/status.js";
import { CoverPanel } from "../market/cover.js";
import { OwnBook } from "../market/ownbook.js";
import { mountStale } from "../market/stale.js";
import { TickList } from "../market/ticklist.js";

const CLOCK_EVERY_MS = 10_000;
const compact = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 2 });
const quotes = new Quotes(socket);
const status = new Status(socket, quotes);
const chart = new Chart(quotes, socket);

async function followClock() {
  const { body } = await get("calendar?fields=trade_date,phase,market_time,simulated").catch(() => ({ body: null }));
  if (body === null) return;
  const before = status.tradeDate;
  status.clock(body);
  if (before && before !== status.tradeDate) location.reload(); // limits, state and lists are others now
}

function drawQuote(ladder, facts) {
  const quote = quotes.get(facts.symbol);
  ladder.draw(quote, facts);
  if (!quote) return;
  const digits = tickDigits(facts.tick);
  const previous = number(quote.pre_close);
  for (const node of document.querySelectorAll("[data-quote]")) {
    const { quote: name } = node.dataset;
    const value = number(quote[name]);
    const large = name === "volume" || name === "amount";
    setText(node, large ? compact.format(value) : value > 0 ? formatPrice(value, digits) : "—");
    if (!large && name !== "pre_close") setTone(node, value > 0 ? value - previous : 0);
  }
}

/** Large figures of statements as people read them: 1.23亿, 123M. */
function shortenFigures() {
  for (const node of document.querySelectorAll("[data-figure]")) {
    const value = Number(node.dataset.figure);
    node.textContent = Math.abs(value) >= 10_000 ? compact.format(value) : value.toLocaleString("en-US", { maximumFractionDigits: 4 });
    node.title = node.dataset.figure;
  }
}

function mountCover() {
  const cover = new CoverPanel(byId("cover"));
  for (const button of document.querySelectorAll("[data-cover-period]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("[data-cover-period]")) other.setAttribute("aria-pressed", String(other === button));
      cover.show(boot.symbol, button.dataset.coverPeriod);
    });
  }
  cover.show(boot.symbol, "1d");
}

status.follow(boot.host);
shortenFigures();
mountStale();
mountCover();
followClock();
setInterval(followClock, CLOCK_EVERY_MS);
socket.addEventListener("up", () => forgetInstruments());
chart.show(boot.symbol);
instrument(boot.symbol).then((facts) => {
  const ladder = new Ladder(byId("ladder"));
  const ticks = new TickList(quotes, facts);
  const own = new OwnBook(quotes, socket, facts);
  quotes.addEventListener("change", ({ detail }) => detail.has(facts.symbol) && drawQuote(ladder, facts));
  drawQuote(ladder, facts);
  for (const node of document.querySelectorAll("[data-limit]")) setText(node, formatPrice(node.dataset.limit || null, tickDigits(facts.tick)));
  ticks.load();
  own.refresh();
});
