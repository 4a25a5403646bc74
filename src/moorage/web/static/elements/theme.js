// <m-theme>: chooses light, dark, or what the system says, for this browser.
const NEXT = {"": "dark", dark: "light", light: ""};
const SAID = {"": "Theme: system", dark: "Theme: dark", light: "Theme: light"};

class Theme extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "link";
    this.button.addEventListener("click", () => this.next());
    this.append(this.button);
    this.say();
  }

  get theme() { return document.documentElement.dataset.theme ?? ""; }

  next() {
    const theme = NEXT[this.theme];
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    try { localStorage.setItem("moorage-theme", theme); } catch { /* Not kept: private window. */ }
    this.say();
  }

  say() { this.button.textContent = SAID[this.theme]; }
}
customElements.define("m-theme", Theme);
