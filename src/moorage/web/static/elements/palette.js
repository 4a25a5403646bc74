// <m-palette src="…">: finds pages, connections, keys and modules. `src` answers ?q= with {"found": [{title, kind, href}]}.
class Palette extends HTMLElement {
  connectedCallback() {
    if (this.dialog) return;
    this.dialog = document.createElement("dialog");
    this.dialog.className = "palette";
    this.dialog.setAttribute("aria-label", "Find");
    this.input = document.createElement("input");
    this.input.type = "search";
    this.input.placeholder = "Find a page, a connection, a key, a module";
    this.input.setAttribute("aria-label", "Find");
    this.list = document.createElement("ul");
    this.dialog.append(this.input, this.list);
    this.append(this.dialog);
    this.input.addEventListener("input", () => this.find());
    this.dialog.addEventListener("keydown", event => this.pressed(event));
  }

  open() {
    this.input.value = "";
    this.dialog.showModal();
    this.find();
  }

  async find() {
    const asked = this.input.value;
    const url = new URL(this.getAttribute("src"), document.baseURI);
    url.searchParams.set("q", asked);
    url.searchParams.set("format", "json");
    const answer = await fetch(url, {headers: {Accept: "application/json"}});
    if (!answer.ok || asked !== this.input.value) return;
    const {found} = await answer.json();
    this.list.replaceChildren(...found.map((entry, index) => this.item(entry, index)));
  }

  item(entry, index) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = new URL(entry.href, new URL(this.getAttribute("src"), document.baseURI));
    link.textContent = `${entry.title} `;
    const kind = document.createElement("span");
    kind.className = "quiet";
    kind.textContent = entry.kind;
    link.append(kind);
    if (index === 0) link.setAttribute("aria-selected", "true");
    item.append(link);
    return item;
  }

  pressed(event) {
    const links = [...this.list.querySelectorAll("a")];
    const at = links.findIndex(link => link.getAttribute("aria-selected"));
    const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (by && links.length) {
      event.preventDefault();
      const next = (at + by + links.length) % links.length;
      links[at]?.removeAttribute("aria-selected");
      links[next].setAttribute("aria-selected", "true");
      links[next].scrollIntoView({block: "nearest"});
    } else if (event.key === "Enter" && document.activeElement === this.input) {
      event.preventDefault();
      links[at]?.click();
      this.dialog.close();
    }
  }
}
customElements.define("m-palette", Palette);
