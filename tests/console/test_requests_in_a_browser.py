"""What scripts add to the screens of calls: the tail, a time chosen by dragging, and JSON that folds."""

DRAG = """(() => {
  const box = document.querySelector('m-histogram svg').getBoundingClientRect();
  const at = (kind, part) => document.querySelector('m-histogram').dispatchEvent(new PointerEvent(kind,
    {bubbles: true, pointerId: 1, button: 0, clientX: box.left + box.width * part, clientY: box.top + 5}));
  HTMLElement.prototype.setPointerCapture = () => {};
  at('pointerdown', .5); at('pointermove', .99); at('pointerup', .99);
})()"""


def test_calls_come_in_as_they_end_and_a_time_is_chosen_by_dragging(owner, tab):
    server = owner.server
    page = tab(owner)
    page.open(f"{server.gateway}/console/requests?q=path:/crm/v8/*")
    page.wait_for("Requests")
    page.click("Follow")
    page.wait("document.querySelector('m-tail').textContent.includes('Calls appear')")
    id_ = server.call("GET", "/zoho-crm/crm/v8/settings/modules")[1]["x-request-id"]
    page.wait(f'!!document.querySelector("#calls tr.new a[href$=\\"{id_}\\"]")')
    page.click("Pause")
    page.run(DRAG)
    page.wait("location.search.includes('until')")
    page.wait_for("Requests")
    assert page.run("document.querySelector('input[name=q]').value").startswith("path:/crm/v8/* since:2")
    page.open(f"{server.gateway}/console/requests/{id_}/replay")
    page.wait_for("Replay")
    page.click("Send")
    page.wait("!!document.querySelector('m-json .json details summary')")
    assert page.complaints == []
