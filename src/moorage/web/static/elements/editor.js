// <m-editor names="…" text="…" near="…" line="1" column="18">: an editor of COQL over the textarea inside, which stays the
// field of the form. `names` answers with the names that complete a query; what `near` or `line` tells is marked.
// The editor is in a shadow root, as CodeMirror then adds its styles in a way that the page's policy allows. The root has
// no slot, so the textarea is not seen any more. The next page changes the attributes, if it has the editor, too.
const KEYWORDS = "select from where and or not in like between is null limit offset order by asc desc group as having";
const FUNCTIONS = ["count", "sum", "avg", "min", "max", "today", "yesterday", "last_n_days"];

class Editor extends HTMLElement {
  static observedAttributes = ["text", "near", "line", "column"];

  async connectedCallback() {
    if (this.view || this.loading) return;
    this.loading = true;
    this.field = this.querySelector("textarea");
    this.known = new Map();
    const cm = await import("../vendor/codemirror.js");
    if (!this.isConnected) { this.loading = false; return; }
    this.show(cm);
    this.field.form?.addEventListener("formdata", event => event.formData.set(this.field.name, this.text));
  }

  attributeChangedCallback(name, _, value) {
    if (!this.view) return;
    if (name === "text" && value !== this.text) this.text = value;
    queueMicrotask(() => this.view.dispatch({effects: this.mark.of(this.faulty())}));
  }

  get text() { return this.view.state.doc.toString(); }

  set text(text) { this.view.dispatch({changes: {from: 0, to: this.view.state.doc.length, insert: text}}); }

  show(cm) {
    const root = this.attachShadow({mode: "open"});
    const place = document.createElement("div");
    root.append(place);
    const dialect = cm.SQLDialect.define({keywords: KEYWORDS, builtin: FUNCTIONS.join(" ")});
    const run = () => { this.field.form.requestSubmit(); return true; };
    const label = this.field.labels[0]?.textContent ?? "Query";
    const description = this.field.getAttribute("aria-describedby");
    this.view = new cm.EditorView({
      root,
      parent: place,
      state: cm.EditorState.create({
        doc: this.field.value,
        extensions: [
          cm.keymap.of([{key: "Mod-Enter", run}, ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.defaultKeymap, ...cm.historyKeymap]),
          cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(), cm.EditorView.lineWrapping,
          dialect.extension,
          cm.syntaxHighlighting(colours(cm)),
          cm.autocompletion({override: [context => this.complete(context)], icons: false}),
          cm.EditorView.contentAttributes.of({"aria-label": label, ...(description ? {"aria-description": document.getElementById(description.split(" ").at(-1))?.textContent.trim() ?? ""} : {})}),
          cm.EditorView.updateListener.of(update => { if (update.docChanged) this.field.value = this.text; }),
          look(cm),
          this.marked(cm),
        ],
      }),
    });
  }

  // The place of the fault, if the answer tells one.
  marked(cm) {
    this.mark = cm.StateEffect.define();
    const marks = range => range ? cm.Decoration.set([cm.Decoration.mark({class: "cm-fault"}).range(...range)]) : cm.Decoration.none;
    return cm.StateField.define({
      create: () => marks(this.faulty()),
      update: (present, change) => {
        for (const effect of change.effects) if (effect.is(this.mark)) return marks(effect.value);
        return change.docChanged ? cm.Decoration.none : present;
      },
      provide: field => cm.EditorView.decorations.from(field),
    });
  }

  faulty() {
    const text = this.view?.state.doc.toString() ?? this.field.value;
    const near = this.getAttribute("near") ?? "";
    const line = Number(this.getAttribute("line"));
    let from = -1;
    if (line) {
      from = text.split("\n").slice(0, line - 1).reduce((sum, part) => sum + part.length + 1, 0) + Number(this.getAttribute("column") ?? 1) - 1;
    } else if (near) {
      from = text.toLowerCase().lastIndexOf(near.toLowerCase());
    }
    if (from < 0 || from >= text.length) return null;
    return [from, Math.min(from + Math.max(near.length, 1), text.length)];
  }

  async complete(context) {
    const word = context.matchBefore(/[\w.]*/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const before = context.state.sliceDoc(0, word.from);
    if (/\bfrom\s+$/i.test(before)) return {from: word.from, options: await this.names(null)};
    const module = /\bfrom\s+(\w+)/i.exec(context.state.doc.toString())?.[1];
    const fields = module ? await this.fields(module, word.text) : [];
    const keywords = KEYWORDS.split(" ").map(label => ({label, type: "keyword"}));
    const functions = FUNCTIONS.map(label => ({label, type: "function", apply: `${label}(`}));
    return {from: word.from, options: [...fields, ...functions, ...keywords], validFor: /^\w*$/};
  }

  // The fields of a module; after `Owner.`, those of the module that the lookup leads to.
  async fields(module, word) {
    const own = await this.names(module);
    const parts = word.split(".");
    if (parts.length === 1) return own;
    const target = own.find(option => option.label === parts[0])?.module;
    if (!target) return [];
    return (await this.names(target)).map(option => ({...option, label: `${parts[0]}.${option.label}`}));
  }

  async names(module) {
    const key = module ?? "";
    if (!this.known.has(key)) {
      const url = new URL(this.getAttribute("names"), document.baseURI);
      url.searchParams.set("connection", this.field.form.elements.connection?.value ?? "");
      if (module) url.searchParams.set("module", module);
      const asked = fetch(url, {headers: {Accept: "application/json"}})
        .then(answer => answer.ok ? answer.json() : {names: []})
        .then(({names}) => names.map(({name, label, type, module}) => ({label: name, detail: type ?? label, type: module ? "type" : "property", module})))
        .catch(() => []);
      this.known.set(key, asked);
    }
    return this.known.get(key);
  }
}

function colours(cm) {
  return cm.HighlightStyle.define([
    {tag: cm.tags.keyword, color: "var(--accent)", fontWeight: "600"},
    {tag: [cm.tags.string, cm.tags.special(cm.tags.string)], color: "var(--good)"},
    {tag: [cm.tags.number, cm.tags.bool, cm.tags.null], color: "var(--warn)"},
  ]);
}

function look(cm) {
  return cm.EditorView.theme({
    "&": {border: "1px solid var(--strong-line)", borderRadius: "var(--radius)", background: "var(--sheet)", color: "var(--ink)"},
    "&.cm-focused": {outline: "3px solid var(--accent)", outlineOffset: "2px"},
    ".cm-content": {fontFamily: "var(--mono)", fontSize: ".9rem", minHeight: "6rem", caretColor: "var(--ink)"},
    ".cm-cursor": {borderLeftColor: "var(--ink)"},
    ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": {background: "var(--raised) !important"},
    ".cm-fault": {textDecoration: "underline wavy var(--bad)"},
    ".cm-tooltip": {background: "var(--sheet)", color: "var(--ink)", border: "1px solid var(--strong-line)"},
    ".cm-tooltip-autocomplete ul li[aria-selected]": {background: "var(--accent)", color: "var(--on-accent)"},
    ".cm-completionDetail": {opacity: ".8"},
  });
}
customElements.define("m-editor", Editor);
