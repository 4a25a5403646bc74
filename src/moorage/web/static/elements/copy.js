// <m-copy>: copies a text: that of the element with the id in `for`, or its own attribute `text`.
class Copy extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "second small";
    button.textContent = this.getAttribute("label") ?? "Copy";
    button.addEventListener("click", () => this.copy());
    this.append(button);
  }

  get text() {
    const source = this.getAttribute("for");
    return source ? document.getElementById(source)?.textContent ?? "" : this.getAttribute("text") ?? "";
  }

  async copy() {
    const button = this.querySelector("button");
    const label = this.getAttribute("label") ?? "Copy";
    try {
      await navigator.clipboard.writeText(this.text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy it";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  }
}
customElements.define("m-copy", Copy);
