// What the console does beyond plain pages. Every page works without it.
// An element's code is loaded when a page has the element: m-grid from elements/grid.js, and so on.
import {keys} from "./keys.js";

const LOADED = new Set();

function load(element) {
  const name = element.localName;
  if (!name.startsWith("m-") || LOADED.has(name)) return;
  LOADED.add(name);
  import(`./elements/${name.slice(2)}.js`);
}

function look(root) {
  if (root instanceof Element) load(root);
  for (const element of root.querySelectorAll?.("*") ?? []) load(element);
}

function remembered() {
  try { return localStorage.getItem("moorage-theme"); } catch { return null; }
}

const theme = remembered();
if (theme) document.documentElement.dataset.theme = theme;
new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(look)))
  .observe(document.documentElement, {childList: true, subtree: true});
look(document.documentElement);
keys();
