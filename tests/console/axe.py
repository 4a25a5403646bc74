"""axe, which finds what keeps people from using a page, in a tab of a real browser."""

import json
import sys
from pathlib import Path

AXE = Path(sys.prefix) / "axe/node_modules/axe-core/axe.min.js"
MISSING = "axe is not installed here (script/bootstrap takes it with npm)"
# Contrast takes most of the time of axe. So behind the first look at a page, it is asked of each kind of text once.
# Texts of one kind have the same colour, size and weight, and what is behind them has the same colours, too.
# `markNew` marks one of each kind that no page before had in this look, and tells how many these are.
_KINDS = """
window.markNew = look => {
  for (const marked of document.querySelectorAll("[data-kind]")) marked.removeAttribute("data-kind");
  const known = new Set(JSON.parse(sessionStorage.getItem(look) ?? "[]")), before = known.size;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, {color, fontSize, fontWeight} = getComputedStyle(element);
    if (!texts.currentNode.nodeValue.trim() || !element.checkVisibility()) continue;
    const kind = [color, fontSize, fontWeight];
    for (let behind = element; behind; behind = behind.parentElement) {
      const {backgroundColor, backgroundImage, opacity} = getComputedStyle(behind);
      const shown = [backgroundColor, backgroundImage, opacity].join(" ");
      if (shown !== "rgba(0, 0, 0, 0) none 1") kind.push(shown);
    }
    if (!known.has(kind.join())) element.setAttribute("data-kind", "");
    known.add(kind.join());
  }
  sessionStorage.setItem(look, JSON.stringify([...known]));
  axe.configure({rules: [{id: "color-contrast", selector: "[data-kind]"}]});
  return known.size - before;
};
"""
_FIND = """
window.found = null;
axe.run(document, %s).then(done => {
  window.found = done.violations.map(({id, help, nodes}) =>
    [id, help, nodes.map(({target, html}) => `${target.join(" ")} ${html.slice(0, 90)}`)]);
});
0
"""


def bring(tab):
    """Have axe on each page that is opened from now on."""
    tab.bring(AXE.read_text() + _KINDS)


def violations(tab):
    """All that axe finds on a page."""
    return _found(tab, {})


def violations_again(tab, look, *, contrast_only):
    """What axe finds in another look, with the contrast of texts that are new to this look."""
    new = tab.run(f"markNew({look!r})")
    if contrast_only:
        return _found(tab, {"runOnly": ["color-contrast"]}) if new else []
    return _found(tab, {})


def _found(tab, options):
    tab.run(_FIND % json.dumps(options))
    tab.wait("window.found !== null")
    return json.loads(tab.run("JSON.stringify(window.found)"))
