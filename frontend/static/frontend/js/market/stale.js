// Says since when the page hears nothing, until it does again.
import { byId, setText } from "../lib/dom.js";
import { formatTime } from "../lib/format.js";
import { socket } from "../lib/live.js";
import { t } from "../lib/text.js";

export function mountStale() {
  const node = byId("stale");
  socket.addEventListener("down", () => {
    if (!node.hidden) return;
    setText(node, t("job.stale", { time: formatTime(Date.now()) }));
    node.hidden = false;
  });
  socket.addEventListener("up", () => {
    node.hidden = true;
  });
}
