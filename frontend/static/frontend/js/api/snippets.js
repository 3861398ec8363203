// A request as a person types it elsewhere.

/** One argument of a POSIX shell. */
const quoted = (text) => `'${String(text).replaceAll("'", `'\\''`)}'`;

/** The request as a curl command. */
export function curl({ method, url, headers, body }) {
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${quoted(url)}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`  -H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) lines.push(`  -d ${quoted(body)}`);
  return lines.join(" \\\n");
}

/** A JSON value as Python writes it. */
function literal(value, indent = "") {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const parts = Array.isArray(value)
    ? value.map((item) => literal(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item, inner)}`);
  return parts.length ? `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}` : open + close;
}

/** The request as Python with httpx; a body that is no JSON is sent as it stands. */
export function python({ method, url, headers, body }) {
  const address = new URL(url);
  const params = Object.fromEntries(address.searchParams);
  const lines = ["import httpx", "", `response = httpx.${method.toLowerCase() === "delete" && body !== undefined ? `request(\n    "DELETE",` : `${method.toLowerCase()}(`}`];
  lines.push(`    ${JSON.stringify(address.origin + address.pathname)},`);
  if (Object.keys(params).length) lines.push(`    params=${literal(params, "    ")},`);
  lines.push(`    headers=${literal(headers, "    ")},`);
  if (body !== undefined) lines.push(sentAs(body));
  lines.push("    timeout=60,", ")", "response.raise_for_status()", "print(response.json())");
  return lines.join("\n");
}

function sentAs(body) {
  try {
    return `    json=${literal(JSON.parse(body), "    ")},`;
  } catch {
    return `    content=${JSON.stringify(body)},`;
  }
}
