// REST calls with the session's cookie. Every failure becomes an ApiError with the server's own code.
import { t, hasText } from "./text.js";

/** The sentence of a refusal code and its facts, "" for an unknown code. */
export function explain(code, details = {}) {
  const key = `code.${code}`;
  if (!hasText(key)) return "";
  const facts = Object.entries(details ?? {}).filter(([, value]) => typeof value !== "object").map(([name, value]) => `${name}=${value}`);
  return facts.length ? `${t(key)} ${code}: ${facts.join(" ")}` : `${t(key)} ${code}`;
}

const csrfToken = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";

export class ApiError extends Error {
  constructor(status, body) {
    super(body.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "NETWORK";
    this.field = body.field ?? null;
    this.details = body.details ?? {};
  }

  /** The code's sentence in the person's language with its facts, else the server's message. */
  get text() {
    return explain(this.code, this.details) || this.message;
  }
}

async function call(method, path, { body, headers = {}, signal } = {}) {
  const form = body instanceof FormData; // the browser then says the type, with its boundary
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      signal,
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        ...(body === undefined || form ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken() }),
        ...headers,
      },
      body: body === undefined || form ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "NETWORK", message: String(error) });
  }
  const parsed = response.headers.get("Content-Type")?.includes("json") ? await response.json() : {};
  if (!response.ok) throw new ApiError(response.status, parsed);
  return { status: response.status, body: parsed };
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { ...options, body });
/** Send a form with files in it. */
export const upload = (path, form, options) => call("POST", path, { ...options, body: form });
export const patch = (path, body, options) => call("PATCH", path, { ...options, body });
export const put = (path, body, options) => call("PUT", path, { ...options, body });
export const remove = (path, options) => call("DELETE", path, options);
