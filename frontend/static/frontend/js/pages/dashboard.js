// The dashboard: one live connection, one account at a time, panels that follow it.
import "../lib/shell.js";
import { get } from "../lib/api.js";
import { boot, byId, toast } from "../lib/dom.js";
import { socket } from "../lib/live.js";
import { remember, remembered } from "../lib/remember.js";
import { t } from "../lib/text.js";
import { Chart } from "../chart/chart.js";
import { Levels } from "../chart/levels.js";
import { OwnTrades } from "../chart/owntrades.js";
import { mountAssets } from "../desk/assets.js";
import { Book } from "../desk/book.js";
import { mountCancelAll } from "../desk/cancelall.js";
import { Holdings } from "../desk/holdings.js";
import { forgetInstruments } from "../desk/instruments.js";
import { mountOrders } from "../desk/orders.js";
import { mountPositions } from "../desk/positions.js";
import { Quotes } from "../desk/quotes.js";
import { StateBanner } from "../desk/statebanner.js";
import { Status } from "../desk/status.js";
import { Ticket } from "../desk/ticket.js";

const ACCOUNT_EVERY_MS = 5000;
const channelsOf = (id) => [`account:${id}`, `signals:${id}`];

const book = new Book();
const quotes = new Quotes(socket);
const status = new Status(socket, quotes);
const banner = new StateBanner();
let account = null;

function start() {
  const select = byId("account-select");
  let chart = null;
  let levels = null;
  let trades = null;
  let ticket = null;
  const open = (symbol) => {
    remember("desk.symbol", symbol);
    chart.show(symbol);
    levels.show(symbol);
    trades.show(symbol);
    ticket.show(symbol);
  };
  chart = new Chart(quotes, socket);
  levels = new Levels(chart, book, socket, { account: () => account });
  trades = new OwnTrades(chart, book, { account: () => account });
  ticket = new Ticket(book, quotes, { account: () => account, onOpen: open });
  // What the server would refuse is not offered: who trades "own" cancels what they, or those they look after, placed.
  const mayCancel = (order) => (account?.can_trade ?? false) && (account.can_trade_all || boot.own.includes(order.created_by));
  mountAssets(book, quotes);
  const holdings = new Holdings(book, socket, { account: () => account });
  mountPositions(holdings, quotes, {
    onOpen: open,
    onSell: ({ symbol, quantity }) => {
      open(symbol);
      ticket.fill(symbol, "SELL", quantity);
    },
    // Only the account that is shown: the ticket orders on no other.
    maySell: (row) => (account?.can_trade ?? false) && row.account_id === account.id,
  });
  mountOrders(book, { onOpen: open, mayCancel });
  mountCancelAll(book, { account: () => account, mayCancel });

  const choose = (id) => {
    if (account) for (const channel of channelsOf(account.id)) socket.unsubscribe(channel);
    account = boot.accounts.find((candidate) => candidate.id === id);
    remember("desk.account", String(id));
    select.value = String(id);
    book.clear();
    status.account(account);
    banner.account(account);
    ticket.rights();
    holdings.follow();
    for (const channel of channelsOf(id)) socket.subscribe(channel);
    refresh();
  };
  const refresh = async () => {
    const { id } = account;
    const { body } = await get(`accounts/${id}`).catch(() => ({ body: null }));
    if (!body || account.id !== id) return;
    const before = status.tradeDate;
    account = { ...account, ...body, can_trade: body.rights.trade, can_trade_all: body.rights.trade_all };
    status.account(account);
    banner.account(account);
    status.clock(body.market_clock);
    ticket.rights();
    if (before && status.tradeDate !== before) {
      // A new trade date: limits, previous closes and today's lists are others now.
      forgetInstruments();
      socket.resync(`account:${id}`);
      open(remembered("desk.symbol", boot.symbol));
    }
  };

  select.addEventListener("change", () => choose(Number(select.value)));
  socket.addEventListener("snapshot", ({ detail }) => {
    if (detail.channel !== `account:${account.id}`) return;
    status.clock(detail.data.market_clock);
    book.load(detail.data);
  });
  socket.addEventListener("delta", ({ detail }) => detail.channel === `account:${account.id}` && book.apply(detail.events));
  book.addEventListener("account", refresh);
  socket.addEventListener("account", refresh); // halted, mode or rights changed
  socket.addEventListener("up", refresh);
  for (const event of ["account", "up"]) socket.addEventListener(event, () => banner.refresh());
  socket.addEventListener("revoked", ({ detail }) => {
    if (detail.channel !== `account:${account.id}`) return;
    toast(t("grant.withdrawn"), account.name, { bad: true, seconds: 10 });
    location.reload();
  });
  socket.addEventListener("down", ({ detail }) => detail.code === 4401 && location.reload());
  setInterval(refresh, ACCOUNT_EVERY_MS);

  const wanted = Number(remembered("desk.account", ""));
  choose(boot.accounts.some((candidate) => candidate.id === wanted) ? wanted : boot.accounts[0].id);
  refresh().then(() => open(remembered("desk.symbol", boot.symbol)));
}

if (boot.accounts.length) start();
