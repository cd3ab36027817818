"""Pointing at nodes: with the mouse, by keyboard, by touch, and what a screen reader is told."""

import pytest
import torch


def test_hovering_a_token_shows_what_it_attends_to(open_page, one):
    with open_page(one) as tab:
        before = tab.ink()
        tab.hover("text=digit >> nth=0")
        tab.draw()
        assert tab.heading().startswith("“digit”\ntext · token 2 of 5")
        assert tab.inner_text(".details h4 >> nth=1") == "attends to · 8 links"
        assert 0 < tab.ink() != before and "select" not in tab.hash()
        tab.mouse.move(5, 5)
        tab.draw()
        assert tab.locator(".details h3").count() == 0 and tab.ink() == before


def test_hovering_a_region_or_a_frame_tints_the_tokens_that_it_attends_to(open_page, one):
    with open_page(one) as tab:
        box = tab.locator(".picture").bounding_box()
        tab.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
        tab.draw()
        assert tab.heading().startswith("region 2\nimage · region 2 of 4") and tab.tinted()
        box = tab.locator(".time canvas").bounding_box()
        tab.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 40)
        tab.draw()
        assert tab.heading().startswith("0.00–0.10 s\naudio · frame 1 of 4")


def test_the_weights_in_the_list_are_those_of_the_record(open_page, one, make):
    shown = make()
    layer = shown.layers[-1]
    flat, mean = layer.graph, layer.mean
    dst = torch.repeat_interleave(torch.arange(flat.rowptr.numel() - 1), flat.rowptr.diff())
    regions = {int(flat.src[e]): float(mean[e]) for e in range(len(mean)) if dst[e] == 5 and flat.src[e] < 4}
    best = max(regions, key=regions.__getitem__)
    with open_page(one, "select=text.2&relation=image → with → text") as tab:
        rows = [row.split("\n") for row in tab.locator(".rows button").all_inner_texts()]
    assert rows[0][0] == f"region {best + 1}" and len(rows) == 4
    assert [float(row[-1]) for row in rows] == pytest.approx(sorted(regions.values(), reverse=True), rel=0.06)


def test_a_click_keeps_a_node_and_escape_lets_it_go(open_page, one):
    with open_page(one) as tab:
        tab.click("text=larger")
        assert tab.hash() == "#select=text.4" and tab.get_attribute("text=larger", "aria-pressed") == "true"
        tab.mouse.move(5, 5)
        tab.draw()
        assert tab.heading().startswith("“larger”")
        tab.keyboard.press("Escape")
        tab.draw()
        assert tab.hash() == "" and tab.locator(".details h3").count() == 0


def test_the_keyboard_reaches_every_node(open_page, one):
    with open_page(one) as tab:
        tab.focus(".words button")
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("End")
        tab.draw()
        assert tab.heading().startswith("“,”\ntext · token 5 of 5")
        tab.keyboard.press("Enter")
        assert tab.hash() == "#select=text.5"
        tab.keyboard.press("Escape")
        tab.keyboard.press("Shift+Tab")  # from the words back to the picture
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("ArrowDown")
        tab.draw()
        assert tab.heading().startswith("region 4") and tab.get_attribute(".picture", "aria-valuetext") == "region 4"
        tab.keyboard.press("Tab")
        tab.keyboard.press("Tab")
        tab.keyboard.press("End")
        tab.keyboard.press("Enter")
        assert tab.hash() == "#select=audio.4"
        tab.until("document.querySelector('#live').textContent.startsWith('0.30–0.40 s, audio · frame 4 of 4')")


def test_everything_that_can_be_reached_has_a_name(open_page, many):
    with open_page(many, "with=s1&withmodel=small&select=text.2") as tab:
        nodes = tab.context.new_cdp_session(tab.tab).send("Accessibility.getFullAXTree")["nodes"]
        roles = {"button", "slider", "combobox", "radio", "searchbox", "checkbox", "link", "image"}
        found = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
        assert {role for role, _ in found} >= roles - {"image"}
        assert [role for role, name in found if role in roles and not name.strip()] == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_cut_off_at_any_width(open_page, many, width):
    with open_page(many, "with=s1&withmodel=small&top=all&relation=all", size=(width, 740), has_touch=True) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        box = tab.locator(".picture").first.bounding_box()
        tab.touchscreen.tap(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
        tab.draw()
        assert tab.heading().startswith("region 1") and "select=image.1" in tab.hash()
        if width == 360:
            tab.click("#open-settings")
            assert tab.is_visible("#layer") and tab.get_attribute("#open-settings", "aria-expanded") == "true"
            tab.click("#open-samples")
            assert tab.is_visible("#find")
