// A person's own channels, subscriptions and quiet hours, and what was sent.
import "../lib/shell.js";
import { ApiError, get, patch, post, put, remove } from "../lib/api.js";
import { boot, byId, element, setText, toast } from "../lib/dom.js";
import { formatStamp } from "../lib/format.js";
import { standDown, standIn } from "../lib/panelstate.js";
import { Pages } from "../lib/rows.js";
import { t } from "../lib/text.js";

const TAKES_SECRET = new Set(["WEBHOOK", "DINGTALK", "FEISHU"]);
const LOG_AGAIN_MS = [700, 2000, 5000];
const accounts = new Map(boot.accounts.map((account) => [account.id, account.name]));
const channels = new Map();

/** Run one call of a form or button; a refusal is shown where the person looks. */
async function attempt(action, control = null) {
  if (control) control.disabled = true;
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.text, error.message === error.text ? "" : error.message, { bad: true, seconds: 10 });
    return false;
  } finally {
    if (control) control.disabled = false;
  }
}

function button(text, action, className = "button button-small") {
  const node = element("button", { type: "button", className, textContent: text });
  node.addEventListener("click", () => attempt(action, node));
  return node;
}

function toggle(checked, label, action) {
  const box = element("input", { type: "checkbox", checked, "aria-label": label });
  box.addEventListener("change", async () => {
    if (!(await attempt(() => action(box.checked), box))) box.checked = !box.checked;
  });
  return box;
}

const cell = (...content) => element("td", {}, ...content);
const row = (...cells) => element("tr", {}, ...cells);

// ---------------------------------------------------------------- channels
async function loadChannels() {
  const { body } = await get("alert-channels");
  channels.clear();
  for (const channel of body.results) channels.set(channel.id, channel);
  byId("channels").tBodies[0].replaceChildren(...body.results.map(channelRow));
  standDown(byId("channels-empty"));
  byId("channels-empty").hidden = body.results.length > 0;
  byId("subscription-channel").replaceChildren(...body.results.map((channel) => new Option(channel.name, channel.id)));
  byId("subscription-form").hidden = body.results.length === 0;
}

function channelRow(channel) {
  const path = `alert-channels/${channel.id}`;
  return row(
    cell(toggle(channel.enabled, channel.name, (enabled) => patch(path, { enabled }))),
    cell(channel.name),
    cell(t(`channel.${channel.kind}`)),
    cell(element("code", { textContent: channel.address })),
    element("td", { className: "row-actions" }, button(t("alerts.test"), () => test(path)), button(t("alerts.remove"), () => remove(path).then(loadAll))),
  );
}

async function test(path) {
  await post(`${path}/test`);
  toast(t("alerts.test_sent"));
  for (const pause of LOG_AGAIN_MS) setTimeout(loadLog, pause);
}

function fitForm() {
  const kind = byId("channel-kind").value;
  byId("secret-field").hidden = !TAKES_SECRET.has(kind);
  setText(byId("address-label"), t(kind === "MAIL" ? "channel.mail_address" : "channel.web_address"));
  byId("channel-address").type = kind === "MAIL" ? "email" : "url";
}

byId("channel-kind").addEventListener("change", fitForm);
byId("channel-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { kind, name, address, secret } = form.elements;
  const body = { kind: kind.value, name: name.value, address: address.value, secret: TAKES_SECRET.has(kind.value) ? secret.value : "" };
  if (await attempt(() => post("alert-channels", body), form.querySelector("[type=submit]"))) {
    form.reset();
    fitForm();
    loadAll();
  }
});

// ----------------------------------------------------------- subscriptions
async function loadSubscriptions() {
  const { body } = await get("alert-subscriptions");
  byId("subscriptions").tBodies[0].replaceChildren(...body.results.map(subscriptionRow));
  byId("subscriptions-empty").hidden = body.results.length > 0;
}

function subscriptionRow(subscription) {
  const path = `alert-subscriptions/${subscription.id}`;
  const name = channels.get(subscription.channel)?.name ?? "";
  return row(
    cell(toggle(subscription.enabled, name, (enabled) => patch(path, { enabled }))),
    cell(name),
    cell(t("alerts.from_severity", { severity: t(`severity.${subscription.min_severity}`) })),
    cell(subscription.kinds.length ? subscription.kinds.map((kind) => t(`alert.${kind}`)).join(", ") : t("alerts.every_kind")),
    cell(subscription.account ? (accounts.get(subscription.account) ?? "—") : t("alerts.every_account")),
    element("td", { className: "row-actions" }, button(t("alerts.remove"), () => remove(path).then(loadSubscriptions))),
  );
}

byId("subscription-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { channel, min_severity: severity, kind, account } = event.target.elements;
  const body = { channel: Number(channel.value), min_severity: severity.value, kinds: kind.value ? [kind.value] : [], account: account.value ? Number(account.value) : null };
  if (await attempt(() => post("alert-subscriptions", body), event.target.querySelector("[type=submit]"))) loadSubscriptions();
});

// ------------------------------------------------------------- quiet hours
async function loadQuiet() {
  const { body } = await get("alert-quiet-hours");
  const form = byId("quiet-form");
  form.elements.start.value = body.quiet_hours?.start ?? "22:00";
  form.elements.end.value = body.quiet_hours?.end ?? "07:00";
  form.elements.silence_critical.checked = body.quiet_hours?.silence_critical ?? false;
  byId("quiet-off").hidden = body.quiet_hours === null;
  setText(byId("quiet-state"), body.quiet_hours ? t("quiet.on", { ...body.quiet_hours, zone: body.timezone }) : t("quiet.off", { zone: body.timezone }));
}

byId("quiet-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { start, end, silence_critical: critical } = event.target.elements;
  const body = { start: start.value, end: end.value, silence_critical: critical.checked };
  attempt(() => put("alert-quiet-hours", body).then(loadQuiet), event.target.querySelector("[type=submit]"));
});
byId("quiet-off").addEventListener("click", ({ target }) => attempt(() => remove("alert-quiet-hours").then(loadQuiet), target));

// --------------------------------------------------------------------- log
const log = new Pages(byId("deliveries-more"), (results, first) => {
  const rows = results.map(deliveryRow);
  const body = byId("deliveries").tBodies[0];
  if (first) body.replaceChildren(...rows);
  else body.append(...rows);
  standDown(byId("deliveries-empty"));
  byId("deliveries-empty").hidden = body.rows.length > 0;
}, (error) => standIn(byId("deliveries-empty"), error, () => log.again()));

function deliveryRow(delivery) {
  const tries = delivery.attempts.map((one) => `${one.attempt}. ${formatStamp(one.at)} ${t(`delivery.${one.status}`)} ${one.error}`).join("\n");
  const latency = delivery.latency_ms === null ? "—" : `${delivery.latency_ms} ms`;
  const what = delivery.alert === null ? t("alerts.test") : delivery.title || "—";
  return row(
    element("td", { className: "tabular" }, formatStamp(delivery.created_at)),
    cell(delivery.channel),
    element("td", { className: "wrap" }, what),
    element("td", { title: tries }, element("span", { className: `badge delivery-${delivery.status.toLowerCase()}`, textContent: t(`delivery.${delivery.status}`) })),
    element("td", { className: "num" }, String(delivery.attempt)),
    element("td", { className: "num" }, delivery.response_code === null ? "—" : String(delivery.response_code)),
    element("td", { className: "num" }, latency),
    element("td", { className: "wrap" }, delivery.error),
  );
}

const loadLog = () => log.load("alert-deliveries", new URLSearchParams({ limit: "20" }));
const loadAll = () => loadChannels().then(loadSubscriptions);

fitForm();
async function begin() {
  try {
    await loadAll();
    await loadQuiet();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    standIn(byId("channels-empty"), error, begin);
  }
}
begin();
loadLog();
byId("deliveries-again").addEventListener("click", loadLog);
