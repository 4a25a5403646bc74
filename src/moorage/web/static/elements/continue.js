// <m-continue>: sends the form that it is in, as its button would.
class Continue extends HTMLElement {
  connectedCallback() {
    setTimeout(() => this.closest("form")?.requestSubmit(), 50);
  }
}
customElements.define("m-continue", Continue);
