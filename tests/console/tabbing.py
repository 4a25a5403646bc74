"""A page by keyboard alone: Tab comes to all that a person can use, shows it, and goes on."""

import json

# Notes where each Tab comes to, once the browser has scrolled there, and tells where it has not been.
_WATCH = """
document.querySelector("main").focus();
window.been = new Set();
window.unseen = [];
window.told = e => `${e.localName} ${e.name || e.className} ${(e.innerText || e.ariaLabel || '').slice(0, 40)}`;
window.isSeen = e => {
  const box = e.getClientRects()[0];
  const middle = (from, to, end) => (Math.max(from, 0) + Math.min(to, end)) / 2;
  const top = box && document.elementFromPoint(
    middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
  return !!top && (e.contains(top) || top.contains(e) || [...e.labels ?? []].some(label => label.contains(top)));
};
addEventListener('keyup', event => {
  const e = document.activeElement;
  if (event.key !== 'Tab' || been.has(e)) return;
  been.add(e);
  if (e !== document.body && !isSeen(e)) unseen.push(told(e));
}, true);
const usable = ':is(a[href], button, input, select, textarea, summary, m-editor, [tabindex="0"])';
// Within a grid, tabs or a list to choose from, arrows lead on.
const together = ':is(m-grid, [role=tablist], [role=listbox]) [tabindex="-1"]';
window.missed = () => [...document.querySelectorAll(`main ${usable}:not(${together})`)].filter(e =>
  e.checkVisibility({visibilityProperty: true}) && !e.disabled && !been.has(e)
  && !(e.type === 'radio' && [...document.getElementsByName(e.name)].some(other => been.has(other))));
0
"""
_AT_ONCE = 25


def faults(tab):
    """What Tab did not come to, and what could not be seen when it came there."""
    tab.run(_WATCH)
    left = tab.run("missed().length")
    # A press that comes to nothing new is one in a field with parts, such as a date, or in what scrolls.
    patience = 3
    while left and patience:
        before = left
        tab.press("Tab", 9, times=min(left + 2, _AT_ONCE))
        left = tab.run("missed().length")
        patience -= left == before
    missed, unseen = json.loads(tab.run("JSON.stringify([missed().map(told), unseen])"))
    return [*(f"missed: {element}" for element in missed), *(f"unseen: {element}" for element in unseen)]
