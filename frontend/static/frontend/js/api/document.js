// The OpenAPI document as a list of operations, and a first body for each.
const METHODS = ["get", "post", "put", "patch", "delete"];
const PREFIX = "/api/v1/";

/** Follow a reference inside the document. */
export function resolved(document, node) {
  let found = node;
  while (found?.$ref) found = found.$ref.slice(2).split("/").reduce((part, name) => part?.[name], document);
  return found ?? {};
}

/** Every operation: `{id, method, path, group, summary, parameters, body, responses, deprecated}`, in the document's order. */
export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => {
      const operation = methods[method];
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        group: path.replace(PREFIX, "").split("/")[0],
        words: operation.description ?? "",
        parameters: (operation.parameters ?? []).map((parameter) => ({ ...parameter, schema: resolved(document, parameter.schema) })),
        body: resolved(document, operation.requestBody).content?.["application/json"]?.schema,
        responses: Object.entries(operation.responses),
        deprecated: operation.deprecated ?? false,
      };
    }),
  );
}

/** A value that fits a schema: what is required, with its defaults. */
export function example(document, schema, depth = 0) {
  const shape = resolved(document, schema);
  if (shape.default !== undefined) return shape.default;
  if (shape.enum) return shape.enum[0];
  const other = shape.oneOf?.[0] ?? shape.allOf?.[0] ?? shape.anyOf?.[0];
  if (other) return example(document, other, depth);
  const type = Array.isArray(shape.type) ? shape.type[0] : shape.type;
  if (type === "object" && shape.properties && depth < 4) {
    const needed = Object.keys(shape.properties).filter((name) => !shape.required || shape.required.includes(name));
    return Object.fromEntries(needed.map((name) => [name, example(document, shape.properties[name], depth + 1)]));
  }
  if (type === "array") return depth < 4 ? [example(document, shape.items, depth + 1)] : [];
  return { integer: 1, number: 1, boolean: true, object: {} }[type] ?? "";
}
