"""Choices: views, layers, heads, relations, sliders, samples, models, theme; and all of them in the hash."""

from dataclasses import replace

from mmgraph.viz import write_page


def test_sliders_and_selects_change_what_is_drawn_and_the_hash(open_page, one):
    with open_page(one) as tab:
        tab.focus("#top")
        tab.keyboard.press("Home")
        tab.draw()
        assert tab.hash() == "#top=1" and "Drawn: 13 links, at most 1 into each node" in tab.legend()
        tab.keyboard.press("End")
        tab.draw()
        assert tab.hash() == "#top=all" and "Drawn: 112 links, of 169 links in all" in tab.legend()
        tab.focus("#least")
        for _ in range(3):
            tab.keyboard.press("PageUp")  # a tenth each
        tab.keyboard.press("ArrowRight")
        tab.draw()
        assert "least=0." in tab.hash() and "Drawn: 112" not in tab.legend()
        tab.select_option("#layer", "1")
        tab.select_option("#head", "2")
        tab.draw()
        assert "layer 1 of 2 (blocks.0.conv), head 2 of 2" in tab.legend()
        tab.select_option("#relation", "all")
        tab.select_option("#direction", "both")
        tab.click("text=digit >> nth=0")
        tab.draw()
        lists = tab.locator(".details h4").all_inner_texts()
        assert lists[1:] == ["attends to · 13 links", "is attended by · 13 links"]
        tab.click("#reset")
        assert tab.hash() == ""


def test_the_hash_brings_the_same_view_back_and_nonsense_does_no_harm(open_page, one):
    state = "layer=1&head=1&relation=text → with → image&direction=from&top=3&least=0.01&select=text.3&theme=dark"
    with open_page(one, state) as tab:
        assert [tab.input_value(f"#{name}") for name in ("layer", "head", "direction", "top")] == [
            "1",
            "1",
            "from",
            "3",
        ]
        assert tab.input_value("#relation") == "text → with → image" and tab.inner_text("#least-value") == "0.010"
        assert tab.heading().startswith("“is”") and tab.get_attribute("html", "data-theme") == "dark"
        tab.evaluate("location.hash = 'select=image.2&layer=2'")
        tab.until("document.querySelector('.details h3')?.textContent.startsWith('region 2')")
    with open_page(
        one, "layer=99&head=x&top=-3&least=NaN&select=text.77&sample=none&__proto__=1&view=?&method=9"
    ) as tab:
        assert tab.input_value("#layer") == "2" and "mean of 2 heads" in tab.legend()


def test_flow_and_attribution_tint_nodes_and_draw_no_links(open_page, one, make):
    with open_page(one) as tab:
        tab.click("text=flow")
        tab.draw()
        assert "view=flow" in tab.hash() and tab.ink() == 0 and tab.tinted()
        flow = make().flow.values["image"]
        assert tab.inner_text(".panel h3 >> nth=0") == f"image · 4 regions · up to {float(flow.max()):.2f}"
        tab.keyboard.press("ArrowRight")
        tab.draw()
        assert "view=attribution" in tab.hash() and tab.legend() == "the gradient"
        tab.select_option("#method", "2")
        tab.draw()
        assert tab.inner_text(".details h3") == "Attribution: occlusion" and "method=2" in tab.hash()
        tab.hover("text=digit >> nth=0")
        tab.draw()
        assert "of 5" in tab.inner_text(".details p")


def test_two_models_stand_side_by_side_and_share_the_selection(open_page, many):
    with open_page(many, "sample=s0&model=small") as tab:
        tab.select_option("#with", label="s0 · large")
        tab.wait_for_selector(".view >> nth=1")
        assert tab.hash() == "#sample=s0&model=small&with=s0&withmodel=large"
        left, right = (tab.locator(".view").nth(i).bounding_box() for i in (0, 1))
        assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
        tab.locator(".view >> nth=1 >> text=digit").first.hover()
        tab.draw()
        assert [text[:7] for text in tab.locator(".details h3").all_inner_texts()] == ["“digit”"] * 2
        first, second = (tab.locator(".view").nth(i).locator(".rows").inner_text() for i in (0, 1))
        assert first != second
        tab.click("text=Close")
        tab.until("document.querySelectorAll('.view').length === 1")
        assert "with" not in tab.hash()


def test_the_gallery_finds_samples_and_shows_them(open_page, many):
    with open_page(many) as tab:
        assert tab.inner_text("#count") == "5 samples"
        assert tab.inner_text(".card >> nth=2").split("\n") == ["s2 · small", "✗ 2 · truth 0"]
        tab.fill("#find", "S3 digit")
        assert tab.inner_text("#count") == "1 of 5 samples" and tab.locator(".card:visible").count() == 1
        tab.click(".card:visible")
        tab.until("document.querySelector('.head h2').textContent === 's3 · small'")
        assert tab.hash() == "#sample=s3&model=small&find=S3%20digit"
        assert tab.get_attribute(".card:visible", "aria-current") == "true"
        tab.fill("#find", "")
        tab.select_option("#show", "right")
        assert tab.locator(".card:visible").count() == 3
        tab.focus(".card >> nth=0")
        tab.keyboard.press("ArrowDown")
        assert tab.evaluate("document.activeElement.textContent").startswith("s1")


def test_the_page_follows_the_theme_of_the_system_until_it_is_told_otherwise(open_page, one):
    back = "getComputedStyle(document.body).backgroundColor"
    with open_page(one, color_scheme="dark") as tab:
        assert tab.evaluate(back) == "rgb(20, 23, 26)"
        tab.click("#theme")
        assert tab.evaluate(back) == "rgb(255, 255, 255)" and tab.hash() == "#theme=light"
        tab.click("#theme")
        assert tab.evaluate(back) == "rgb(20, 23, 26)" and tab.hash() == "#theme=dark"


def test_weights_of_a_softmax_per_relation_are_not_compared_between_relations(open_page, make, tmp_path):

    shown = make()
    own = tuple(replace(layer, scope="relation") for layer in shown.layers)
    write_page([replace(shown, layers=own)], tmp_path / "page.html")
    with open_page(tmp_path / "page.html", "top=1") as tab:
        assert "do not compare weights of different relations" in tab.legend()
        assert "Drawn: 26 links" in tab.legend()  # one of each of two relations into each of 13 nodes
        assert tab.locator(".matrix").count() == 0
