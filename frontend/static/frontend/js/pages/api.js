// Every operation of the OpenAPI document: look it up, run it, take it along as curl or Python.
import "../lib/shell.js";
import { example, operationsOf } from "../api/document.js";
import { curl, python } from "../api/snippets.js";
import { byId, element, setText } from "../lib/dom.js";
import { t } from "../lib/text.js";

const SHOWN = 200_000;
const LANGUAGES = { curl, python };
const HEADERS = ["content-type", "etag", "location", "retry-after", "ratelimit-remaining", "x-data-complete", "x-data-source", "x-request-id", "deprecation", "sunset"];
const READING = new Set(["GET"]);

const spec = await read("/api/schema/");
const operations = operationsOf(spec);
let current = null;
let language = "curl";
let file = null;

const token = () => byId("token").value.trim();
const csrf = () => document.querySelector("[name=csrfmiddlewaretoken]").value;

/** The document; what keeps it away stands where the operations would, and the page ends there. */
async function read(path) {
  try {
    const response = await fetch(path, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.json();
  } catch (error) {
    setText(byId("operations-state"), t("api.unread", { reason: error.message }));
    throw error;
  }
}

// ---------------------------------------------------------------- the list
function list() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const fits = operations.filter(({ method, path, id, words }) => !wanted || `${method} ${path} ${id} ${words}`.toLowerCase().includes(wanted));
  const groups = Map.groupBy ? Map.groupBy(fits, ({ group }) => group) : grouped(fits);
  const parts = [...groups].map(([group, members]) =>
    element("details", { open: wanted !== "" || members.includes(current) }, element("summary", { textContent: group }), element("ul", {}, ...members.map(entry))),
  );
  byId("operations").replaceChildren(...(parts.length ? parts : [element("p", { className: "empty", textContent: t("api.none") })]));
}

function grouped(members) {
  const groups = new Map();
  for (const member of members) groups.set(member.group, [...(groups.get(member.group) ?? []), member]);
  return groups;
}

function entry(operation) {
  const chosen = operation === current ? { "aria-current": "true" } : {};
  const button = element("button", { type: "button", ...chosen }, badge(operation.method), element("span", { className: "path", textContent: operation.path.replace("/api/v1", "") }));
  button.addEventListener("click", () => {
    location.hash = operation.id;
  });
  return element("li", {}, button);
}

const badge = (method) => element("span", { className: "method", dataset: { method }, textContent: method });

// ----------------------------------------------------------- one operation
function show(operation) {
  current = operation;
  byId("operation").hidden = false;
  byId("operation-method").dataset.method = operation.method;
  setText(byId("operation-method"), operation.method);
  setText(byId("operation-title"), operation.path);
  setText(byId("operation-words"), operation.words.replaceAll("`", "").replace(/([^\n])\n(?!\n)/g, "$1 ") + (operation.deprecated ? ` (${t("api.deprecated")})` : ""));
  byId("parameters").replaceChildren(...operation.parameters.map(field));
  byId("body-field").hidden = !operation.body;
  byId("body").value = operation.body ? JSON.stringify(example(spec, operation.body), null, 2) : "";
  byId("changes").hidden = READING.has(operation.method);
  byId("answer").hidden = true;
  byId("problem").hidden = true;
  byId("responses").querySelector("tbody").replaceChildren(
    ...operation.responses.map(([status, { description }]) => element("tr", {}, element("td", { className: "tabular", textContent: status }), element("td", { className: "wrap", lang: "en", textContent: (description ?? "").replaceAll("`", "") }))),
  );
  list();
  write();
}

function field({ name, in: place, required, description = "", schema }) {
  const choices = schema.enum ?? (schema.type === "boolean" ? ["true", "false"] : null);
  const dataset = { place, name, ...(required ? { required: "" } : {}) };
  const input = choices
    ? element("select", { dataset }, element("option", { value: "", textContent: t("api.unset") }), ...choices.map((value) => element("option", { value, textContent: value })))
    : element("input", { type: "text", autocomplete: "off", spellcheck: false, dataset });
  return element(
    "label",
    { className: "parameter" },
    element("span", { className: "name" }, element("code", { textContent: name }), required ? element("span", { className: "needed", textContent: t("api.required") }) : ""),
    input,
    element("span", { className: "hint", lang: "en", textContent: description.replaceAll("`", "") }),
  );
}

/** The request as the form says it; `missing` names a parameter that has to be filled in. */
function request() {
  let path = current.path;
  let missing = null;
  const url = new URL(location.origin);
  const headers = { Authorization: `Bearer ${token() || "desk_…"}` };
  for (const input of byId("parameters").querySelectorAll("[data-name]")) {
    const { name, place } = input.dataset;
    const value = input.value.trim();
    if (value === "") {
      if ("required" in input.dataset) missing ??= input;
    } else if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (place === "query") url.searchParams.set(name, value);
    else headers[name] = value;
  }
  url.pathname = path.replaceAll("{", "%7B").replaceAll("}", "%7D");
  const body = current.body && byId("body").value.trim() ? byId("body").value : undefined;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { method: current.method, url: url.href, headers, body, missing };
}

function write() {
  setText(byId("caller"), token() ? t("api.as_token") : t("api.as_session"));
  if (current) setText(byId("snippet"), LANGUAGES[language](request()));
}

// ---------------------------------------------------------------- running it
async function run() {
  const { method, url, headers, body, missing } = request();
  byId("problem").hidden = !missing;
  if (missing) {
    setText(byId("problem"), t("api.missing", { name: missing.dataset.name }));
    missing.focus();
    return;
  }
  const sent = { ...headers };
  if (!token()) {
    delete sent.Authorization;
    sent["X-CSRFToken"] = csrf();
  }
  setText(byId("answer-facts"), t("api.asking"));
  const began = performance.now();
  try {
    const response = await fetch(url, { method, headers: sent, body, credentials: token() ? "omit" : "same-origin" });
    await answer(response, await response.arrayBuffer(), performance.now() - began);
  } catch (error) {
    setText(byId("problem"), t("api.failed", { reason: error.message }));
    byId("problem").hidden = false;
  }
}

async function answer(response, bytes, milliseconds) {
  const type = response.headers.get("content-type") ?? "";
  const readable = /json|text|yaml/.test(type);
  byId("answer").hidden = false;
  setText(byId("answer-status"), `${response.status}`);
  byId("answer-status").className = `badge ${response.ok ? "badge-active" : "badge-warn"}`;
  setText(byId("answer-facts"), t("api.took", { milliseconds: Math.round(milliseconds), bytes: bytes.byteLength }));
  setText(byId("answer-headers"), HEADERS.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}`).join("\n"));
  const text = readable ? pretty(new TextDecoder().decode(bytes), type) : "";
  setText(byId("answer-body"), text.slice(0, SHOWN) || (bytes.byteLength ? type : t("api.empty_body")));
  byId("answer-cut").hidden = text.length <= SHOWN;
  setText(byId("answer-cut"), t("api.cut", { shown: SHOWN, all: text.length }));
  offer(bytes, type, !readable || text.length > SHOWN);
}

function pretty(text, type) {
  if (!type.includes("json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function offer(bytes, type, wanted) {
  if (file) URL.revokeObjectURL(file);
  file = wanted && bytes.byteLength ? URL.createObjectURL(new Blob([bytes], { type })) : null;
  const link = byId("answer-file");
  link.hidden = file === null;
  if (file) Object.assign(link, { href: file, download: current.id, textContent: t("api.download") });
}

// -------------------------------------------------------------------- events
byId("filter").addEventListener("input", list);
byId("token").addEventListener("input", write);
byId("request").addEventListener("input", write);
byId("request").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    language = button.dataset.language;
    for (const other of document.querySelectorAll("[data-language]")) other.setAttribute("aria-pressed", String(other === button));
    write();
  });
}
byId("copy").addEventListener("click", async () => {
  const label = byId("copy").textContent;
  await navigator.clipboard.writeText(byId("snippet").textContent);
  setText(byId("copy"), t("api.copied"));
  setTimeout(() => setText(byId("copy"), label), 1500);
});
const chosen = () => operations.find(({ id }) => id === location.hash.slice(1)) ?? operations.find(({ id }) => id === "me");
addEventListener("hashchange", () => {
  show(chosen());
  byId("operation").focus({ preventScroll: false });
});
show(chosen());
