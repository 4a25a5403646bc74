// Changes a cell of a grid through the API, and shows at the cell what the API says against it.
export function shown(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value === "object") return shown(value.name ?? value.full_name ?? value.id ?? "");
  return String(value);
}

const fields = new Map(); // What each module says of its fields.

async function fieldsOf(record) {
  if (!fields.has(record)) {
    const answer = await fetch(new URL(`${record}/fields`, document.baseURI), {headers: {Accept: "application/json"}});
    if (!answer.ok) throw new Error("The fields can't be read.");
    const document_ = await answer.json();
    fields.set(record, new Map(document_.fields.map(field => [field.api_name, field])));
  }
  return fields.get(record);
}

async function choicesOf(record, field, words) {
  const url = new URL(`${record}/choices`, document.baseURI);
  url.searchParams.set("field", field);
  url.searchParams.set("q", words);
  const answer = await fetch(url, {headers: {Accept: "application/json"}});
  return answer.ok ? (await answer.json()).choices : [];
}

function select(options, chosen, multiple = false) {
  const control = document.createElement("select");
  control.multiple = multiple;
  for (const [value, label] of options) control.append(new Option(label, value, false, chosen.includes(value)));
  return control;
}

async function controlFor(record, field, value) {
  const type = field.data_type;
  if (type === "boolean") return select([["false", "no"], ["true", "yes"]], [String(value ?? false)]);
  if (type === "picklist") return select([["", ""], ...field.options], [shown(value)]);
  if (type === "multiselectpicklist") return select(field.options, value ?? [], true);
  if (type === "ownerlookup" || type === "userlookup") {
    const users = await choicesOf(record, field.api_name, "");
    return select([["", ""], ...users.map(user => [user.id, user.name])], [value?.id ?? ""]);
  }
  if (type === "textarea") {
    const area = document.createElement("textarea");
    area.value = shown(value);
    return area;
  }
  const input = document.createElement("input");
  input.value = shown(value);
  if (type === "date") input.type = "date";
  if (["integer", "currency", "double", "percent", "bigint"].includes(type)) input.inputMode = "decimal";
  if (type === "lookup") suggest(input, record, field.api_name);
  return input;
}

// Offers the records that a lookup can lead to, by what is typed.
function suggest(input, record, field) {
  const list = document.createElement("datalist");
  list.id = "grid-choices";
  input.setAttribute("list", list.id);
  input.found = new Map();
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const words = input.value;
      const choices = words.length < 2 ? [] : await choicesOf(record, field, words);
      if (words !== input.value) return;
      for (const choice of choices) input.found.set(`${choice.name} (${choice.id})`, choice.id);
      list.replaceChildren(...choices.map(choice => new Option("", `${choice.name} (${choice.id})`)));
    }, 200);
  });
  input.after(list);
  input.list_ = list;
}

function valuesOf(control) {
  if (control.multiple) return [...control.selectedOptions].map(option => option.value);
  return [control.found?.get(control.value) ?? control.value];
}

async function send(grid, record, field, values) {
  const form = grid.closest("form");
  const body = new URLSearchParams([["form_token", form.elements.form_token.value], ["field", field]]);
  for (const value of values) body.append("value", value);
  // So that a change that somebody else has made meanwhile is not lost.
  body.append("was", JSON.stringify(record[field] ?? null));
  const box = form.elements.confirm;
  if (box?.checked) body.set("confirm", box.value);
  const url = new URL(`${grid.record}/${encodeURIComponent(record.id)}/cell?format=json`, document.baseURI);
  const answer = await fetch(url, {method: "POST", body, headers: {Accept: "application/json"}});
  const document_ = await answer.json().catch(() => ({}));
  if (answer.status === 409 && "value" in document_) record[field] = document_.value;
  if (!answer.ok) throw new Error(document_.message ?? `The server answered ${answer.status}.`);
  return document_.value;
}

// Opens an editor in a cell. Gives how it ended: "down", "right" or "stay", with the record changed, or not.
export async function edit(grid, cell, record, column) {
  const field = (await fieldsOf(grid.record)).get(column.api_name);
  if (!field?.editable) return "fixed";
  const control = await controlFor(grid.record, field, record[field.api_name]);
  const fault = document.createElement("p");
  fault.className = "cell-fault";
  fault.setAttribute("role", "alert");
  control.setAttribute("aria-label", column.label);
  cell.replaceChildren(control, fault);
  if (control.list_) cell.append(control.list_);
  cell.classList.add("editing");
  const before = JSON.stringify(valuesOf(control));
  control.focus();
  control.select?.();
  return new Promise(resolve => {
    let isBusy = false;
    const end = how => { cell.classList.remove("editing"); resolve(how); };
    const commit = async how => {
      if (isBusy) return;
      if (JSON.stringify(valuesOf(control)) === before) return end(how);
      isBusy = true;
      try {
        record[field.api_name] = await send(grid, record, field.api_name, valuesOf(control));
        end(how);
      } catch (error) {
        isBusy = false;
        fault.textContent = error.message;
        control.setAttribute("aria-invalid", "true");
        control.focus();
      }
    };
    control.addEventListener("keydown", event => {
      event.stopPropagation();
      if (event.key === "Escape") { event.preventDefault(); isBusy = true; end("stay"); }
      else if (event.key === "Enter" && !(control.localName === "textarea" && event.shiftKey)) { event.preventDefault(); commit("down"); }
      else if (event.key === "Tab") { event.preventDefault(); commit(event.shiftKey ? "left" : "right"); }
    });
    control.addEventListener("blur", () => { if (!control.hasAttribute("aria-invalid")) commit("stay"); });
  });
}
