// The configuration in force, read-only.
import "../lib/shell.js";
import { ApiError, get } from "../lib/api.js";
import { byId, element, setText } from "../lib/dom.js";
import { standIn } from "../lib/panelstate.js";
import { t } from "../lib/text.js";

function settingRow(setting) {
  return element(
    "tr",
    {},
    element("td", {}, element("code", { textContent: setting.variable })),
    element("td", { className: "wrap value" }, setting.value === "" ? element("span", { className: "muted", textContent: t("configuration.unset") }) : element("code", { textContent: setting.value })),
    element("td", {}, element("span", { className: `badge source-${setting.source}`, textContent: t(`configuration.${setting.source}`) })),
    element("td", { className: "wrap muted", textContent: setting.description.replaceAll("`", "") }),
  );
}

function show(body) {
  byId("settings-state").hidden = true;
  byId("settings").tBodies[0].append(...body.settings.map(settingRow));
  setText(byId("profile"), body.env);
  setText(byId("installation"), body.installation);
  setText(byId("config-file"), body.file || t("configuration.no_file"));
  byId("unknown").hidden = body.unknown_variables.length === 0;
  setText(byId("unknown-names"), body.unknown_variables.join(", "));
}

async function load() {
  try {
    show((await get("configuration")).body);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    standIn(byId("settings-state"), error, load);
  }
}

load();
