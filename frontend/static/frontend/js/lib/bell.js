// The bell in the header: how many alerts are open, and a word when a critical one comes.
import { byId, setText, toast } from "./dom.js";
import { socket } from "./live.js";
import { hasText, t } from "./text.js";

const open = new Map();

/** Put the open alerts of one frame into `alerts`; true when it was a snapshot. */
export function applyAlerts(alerts, { snapshot = false, data }) {
  if (snapshot) alerts.clear();
  for (const alert of data) {
    if (alert.open) alerts.set(alert.id, alert);
    else alerts.delete(alert.id);
  }
  return snapshot;
}

/** An alert's title in the page's language. */
export const titleOf = (alert) => alert.titles[document.documentElement.lang] ?? alert.title;

/** The kind's name in the person's language, where the page carries it. */
export const kindText = (kind) => (hasText(`alert.${kind}`) ? t(`alert.${kind}`) : "");

/** Show the count of open alerts and announce new critical ones. */
export function mountBell() {
  const bell = byId("alert-bell");
  if (!bell) return;
  const count = byId("alert-count");
  socket.subscribe("alerts");
  socket.addEventListener("alerts", ({ detail }) => {
    const known = new Set(open.keys());
    const fresh = applyAlerts(open, detail) ? [] : detail.data.filter((alert) => alert.open && !known.has(alert.id));
    for (const alert of fresh.filter(({ severity }) => severity === "CRITICAL")) toast(kindText(alert.kind) || titleOf(alert), kindText(alert.kind) ? titleOf(alert) : "", { bad: true, seconds: 12 });
    setText(count, open.size > 99 ? "99+" : String(open.size));
    count.hidden = open.size === 0;
    bell.classList.toggle("bell-critical", [...open.values()].some(({ severity }) => severity === "CRITICAL"));
  });
}
