// Shows /openapi.json. Text from the document is only ever set as text.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
// Schemas that hold themselves would have no end.
const DEEPEST = 6;
let contract;

// el("p", { class: "soft" }, "text", node, …)
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function resolve(value) {
  let found = value;
  while (found?.$ref) {
    found = found.$ref.slice(2).split("/").reduce(
      (at, name) => at[decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~")], contract);
  }
  return found;
}

// Paragraphs and `code`, which is all that descriptions use.
function prose(text) {
  return (text ?? "").split("\n\n").filter(Boolean).map((paragraph) =>
    el("p", {}, ...paragraph.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part))));
}

function copyable(text) {
  const button = el("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the text and copy it";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return el("div", { class: "copied" }, button, el("pre", { tabindex: "0" }, el("code", {}, text)));
}

const json = (value) => JSON.stringify(value, null, 2);

// ---- Schemas ----------------------------------------------------------------------------------------------------------

// The parts of a schema that is put together from others: its words in words, and its fields.
function describe(schema) {
  const notes = [];
  let fields = {};
  let required = [];
  let items = null;
  let named = schema?.$ref?.split("/").pop();
  const read = (part) => {
    const one = resolve(part) ?? {};
    const types = [one.type ?? []].flat();
    if (types.length) notes.push(types.filter((type) => type !== "null").join(" or "));
    if (types.includes("null")) notes.push("or null");
    if (one.format) notes.push(one.format);
    if (one.enum) notes.push(`one of ${one.enum.map(String).join(", ")}`);
    if (one.const !== undefined) notes.push(String(one.const));
    if (one.minimum !== undefined || one.maximum !== undefined) notes.push(`${one.minimum ?? "…"} to ${one.maximum ?? "…"}`);
    if (one.minLength !== undefined) notes.push(`at least ${one.minLength} characters`);
    if (one.maxLength !== undefined) notes.push(`at most ${one.maxLength} characters`);
    if (one.minItems !== undefined || one.maxItems !== undefined) notes.push(`${one.minItems ?? 0} to ${one.maxItems ?? "…"} items`);
    if (one.pattern) notes.push(`like ${one.pattern}`);
    if (one.default !== undefined) notes.push(`${json(one.default)} unless given`);
    Object.assign(fields, one.properties);
    required = required.concat(one.required ?? []);
    items = one.items ?? items;
    (one.allOf ?? []).forEach(read);
    const choices = one.anyOf ?? one.oneOf ?? [];
    const words = choices.flatMap((choice) => resolve(choice).const ?? resolve(choice).enum ?? []);
    if (words.length) notes.push(`one of ${words.join(", ")}`);
    else choices.forEach((choice) => {
      if (resolve(choice).type === "null") return notes.push("or null");
      named ??= choice.$ref?.split("/").pop();
      read(choice);
    });
  };
  read(schema);
  return { notes: [...new Set(notes)].filter((note) => note !== "object" || !named), fields, required, items, named };
}

function fieldList(schema, must, depth = 0) {
  const { fields, required } = describe(schema);
  const names = Object.keys(fields);
  if (!names.length || depth > DEEPEST) return null;
  names.sort((a, b) => required.includes(b) - required.includes(a));
  return el("dl", { class: "fields" }, ...names.map((name) => {
    const field = fields[name];
    const about = describe(field);
    const inner = about.items ? describe(about.items) : about;
    const kind = [about.named ?? inner.named, ...about.notes, about.items ? inner.notes.join(", ") : ""].filter(Boolean).join(", ");
    const below = fieldList(about.items ?? field, must, depth + 1);
    return el("div", {},
      el("dt", {}, el("code", {}, name), " "),
      el("span", { class: "kind" }, kind, required.includes(name) ? `, ${must}` : ""),
      el("dd", {}, ...prose(field.description ?? resolve(field).description),
        below && el("details", {}, el("summary", {}, "Its fields"), below)));
  }));
}

// ---- Requests ---------------------------------------------------------------------------------------------------------

function parameters(operation) {
  return (operation.parameters ?? []).map(resolve);
}

function curl(method, path, operation) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`);
  const lines = [`curl -i ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"${location.origin}${filled}"`];
  const scheme = Object.keys(operation.security?.find((one) => !one.signature) ?? {})[0];
  if (scheme) lines.push(`-H "Authorization: Bearer $API_KEY"`);
  else if (operation.security?.length) lines.push(`-H "X-Retell-Signature: $SIGNATURE"`);
  for (const parameter of parameters(operation)) {
    if (parameter.in === "header") lines.push(`-H ${quote(`${parameter.name}: ${parameter.example ?? "…"}`)}`);
  }
  const body = operation.requestBody?.content?.["application/json"];
  if (body) {
    lines.push("-H 'Content-Type: application/json'");
    if (body.example !== undefined) lines.push(`-d ${quote(json(body.example))}`);
  }
  return lines.join(" \\\n  ");
}

function parameterList(operation) {
  const all = parameters(operation);
  if (!all.length) return [];
  return [el("h4", {}, "Parameters and headers"), el("dl", { class: "fields" }, ...all.map((one) => el("div", {},
    el("dt", {}, el("code", {}, one.name), " "),
    el("span", { class: "kind" }, [`in the ${one.in}`, describe(one.schema).notes.join(", "), one.required ? "needed" : ""].filter(Boolean).join(", ")),
    el("dd", {}, ...prose(one.description)))))];
}

function requestBody(operation) {
  const contents = Object.entries(operation.requestBody?.content ?? {});
  return contents.flatMap(([type, about]) => [
    el("h4", {}, "Body: ", el("code", {}, type)),
    ...prose(resolve(about.schema).description),
    fieldList(about.schema, "needed"),
    type === "application/json" || about.example === undefined ? null : copyable(about.example),
  ]);
}

function answer(status, response) {
  const about = resolve(response);
  const headers = Object.entries(about.headers ?? {});
  const contents = Object.entries(about.content ?? {});
  // Of several problems, which; of one, what it means.
  const said = (about.description ?? "").split("\n\n").map((text) => text.replaceAll("`", ""));
  const first = said.length > 1 ? said.map((text) => text.split(":")[0]).join(", ") : said[0];
  return el("details", {},
    el("summary", {}, el("span", { class: "status" }, status), " ", first),
    ...(status >= 400 ? prose(about.description) : []),
    headers.length ? el("p", { class: "soft" }, `Headers: ${headers.map(([name]) => name).join(", ")}`) : null,
    ...contents.flatMap(([type, content]) => [
      el("p", { class: "soft" }, el("code", {}, type)),
      status < 400 ? fieldList(content.schema, "always there") : null,
      ...(content.example !== undefined ? [copyable(json(content.example))] : []),
      ...Object.values(content.examples ?? {}).map((one) => copyable(json(one.value))),
    ]));
}

function show(method, path, operation) {
  const id = operation.operationId;
  return el("article", { id },
    el("h3", {}, el("a", { href: `#${id}` }, operation.summary)),
    el("p", { class: "address" }, el("span", { class: `method ${method}` }, method), " ", el("code", {}, path), " ", el("span", { class: "soft" }, id)),
    ...prose(operation.description),
    ...parameterList(operation),
    ...requestBody(operation),
    el("h4", {}, "Try it"),
    copyable(curl(method, path, operation)),
    el("h4", {}, "Answers"),
    ...Object.entries(operation.responses).map(([status, response]) => answer(status, response)));
}

// ---- The page ---------------------------------------------------------------------------------------------------------

function build() {
  const main = document.getElementById("main");
  const index = document.getElementById("index");
  const routes = [];
  for (const [path, methods] of Object.entries(contract.paths)) {
    for (const method of METHODS) {
      if (methods[method]) routes.push({ method, path, operation: methods[method] });
    }
  }
  main.replaceChildren(el("h1", {}, contract.info.title), ...prose(contract.info.description),
    el("p", {}, el("a", { href: "/openapi.json" }, "The document itself"), " (OpenAPI ", contract.openapi, ")"));
  document.getElementById("version").textContent = contract.info.version;
  for (const tag of contract.tags) {
    const here = routes.filter((route) => route.operation.tags.includes(tag.name));
    const section = el("section", {}, el("h2", {}, tag.name), ...prose(tag.description));
    const list = el("ul", {});
    for (const route of here) {
      route.article = show(route.method, route.path, route.operation);
      route.entry = el("li", {}, el("a", { href: `#${route.operation.operationId}` },
        el("span", { class: `method ${route.method}` }, route.method), route.operation.summary));
      route.text = `${route.method} ${route.path} ${route.operation.operationId} ${route.article.textContent}`.toLowerCase();
      section.append(route.article);
      list.append(route.entry);
    }
    const heading = el("div", {}, el("h2", {}, tag.name), list);
    index.append(heading);
    main.append(section);
    here.forEach((route) => Object.assign(route, { section, heading }));
  }
  return routes;
}

function filter(routes, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (route) => words.every((word) => route.text.includes(word));
  const found = routes.filter(fits);
  for (const route of routes) route.article.hidden = route.entry.hidden = !found.includes(route);
  for (const route of routes) {
    const any = found.some((other) => other.section === route.section);
    route.section.hidden = route.heading.hidden = !any;
  }
  const many = found.length === 1 ? "1 route" : `${found.length} routes`;
  document.getElementById("found").textContent = words.length ? many : "";
}

async function start() {
  try {
    const response = await fetch("/openapi.json");
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    contract = await response.json();
  } catch (error) {
    document.getElementById("state").textContent = `/openapi.json could not be read: ${error.message}. Load the page again.`;
    return;
  }
  const routes = build();
  const search = document.getElementById("search");
  search.addEventListener("input", () => filter(routes, search.value));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

start();
