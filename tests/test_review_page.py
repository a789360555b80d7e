"""The review page in a real browser: opened, filtered, corrected by keys and by pointer, downloaded."""

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from beam_kie.geometry import box_polygon
from beam_kie.labelled.corrections_file import read_corrections
from beam_kie.page_parts import FieldKind, FormField
from tests import pages, small_runs
from tests.browser import check_accessibility, new_page
from transforms import review


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = small_runs.write_run(tmp_path_factory.mktemp("run") / "out")
    review.write_review(str(folder), small_runs.RUN_ID)
    return folder


@pytest.fixture
def page(output, chrome):
    with new_page(chrome) as page:
        open_review(page, output)
        yield page


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing; /favicon.ico is not asked for."""

    def log_message(self, format, *args):
        pass


def open_review(page, output, path=""):
    page.goto(f"file://{output}/review/run_id={small_runs.RUN_ID}/index.html{path}")
    page.wait_for_selector("html[data-ready]")


def names(page):
    return page.locator(".documents strong").all_inner_texts()


def wait_for_names(page, expected):
    page.wait_for_function(
        "wanted => wanted === JSON.stringify("
        "[...document.querySelectorAll('.documents strong')].map(e => e.innerText))",
        arg=json.dumps(expected, separators=(",", ":")),
    )


def open_document(page, name):
    page.click(f".document:has(strong:text-is({json.dumps(name)}))")
    page.wait_for_selector(".pairs")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def rows(page):
    """Key and value of every row of the list."""
    cells = page.locator(".pair").evaluate_all(
        "rows => rows.map(r => [...r.children].slice(0, 2).map(e => e.innerText))"
    )
    return [tuple(cell) for cell in cells]


def chosen(page):
    return tuple(page.locator(".pair[aria-current] > span").all_inner_texts()[:2])


def download(page, tmp_path):
    with page.expect_download() as found:
        press(page, "s")
    path = tmp_path / "corrections.json"
    found.value.save_as(path)
    return read_corrections(path)


# ---------------------------------------------------------------- looking


def test_documents_that_failed_come_first_then_doubtful_ones_with_the_reason(page):
    assert names(page) == ["broken.jpg", "three.pdf", "<b>hostile.png", "form.jpg"]
    broken = page.locator(".document", has_text="broken.jpg")
    assert "it is broken; scan it again" in broken.inner_text() and "failure" in broken.inner_text()
    assert page.locator(".documents img").count() == 3
    page.wait_for_function("[...document.images].every(image => image.naturalWidth > 0)")


def test_a_missing_field_leads_the_list_and_says_why(tmp_path, chrome):
    folder = small_runs.write_run(tmp_path / "out", missing="form.jpg")
    review.write_review(str(folder), small_runs.RUN_ID)
    with new_page(chrome) as page:
        open_review(page, folder)
        assert names(page) == ["form.jpg", "broken.jpg", "three.pdf", "<b>hostile.png"]
        form = page.locator(".document", has_text="form.jpg")
        assert "field missing" in form.inner_text() and "success" in form.inner_text()
        assert form.locator(".why").inner_text() == pages.failure("form.jpg").message
        check_accessibility(page)
        page.select_option("#status", "missing")
        wait_for_names(page, ["form.jpg"])
        open_document(page, "form.jpg")
        assert "FIELD_MISSING in FIELDS" in page.locator(".failure").inner_text()


def test_values_that_only_fields_of_a_form_give_are_shown(tmp_path, chrome, monkeypatch):
    remark = FormField("r", "備考", FieldKind.TEXT, box_polygon((260, 500, 420, 540)), "none")
    number = FormField("n", "Tax number", FieldKind.TEXT, box_polygon((260, 600, 420, 640)), "<b>12/345")
    results = {**small_runs.results(), "form.jpg": [pages.result("form.jpg", fields=(remark, number))]}
    monkeypatch.setattr(small_runs, "results", lambda: results)
    folder = small_runs.write_run(tmp_path / "out")
    review.write_review(str(folder), small_runs.RUN_ID)
    with new_page(chrome) as page:
        open_review(page, folder)
        open_document(page, "form.jpg")
        assert ("備考", "none") in rows(page)
        assert page.locator(".declared > span").all_inner_texts() == ["Tax number", "<b>12/345", "0.90"]
        check_accessibility(page)


def test_markup_stays_text(page):
    open_document(page, "<b>hostile.png")
    assert ("</script><b>Bold?</b>", small_runs.MARKUP) in rows(page)
    assert page.locator("h1").inner_text() == "<b>hostile.png"
    press(page, "Enter")
    assert page.locator("#text-value").input_value() == small_runs.MARKUP
    assert page.evaluate("window.hacked") is None
    assert page.locator("main b, img[src=x]").count() == 0


@pytest.mark.parametrize(
    ("selector", "value", "expected"),
    [
        ("#search", "gebuhr 1.234", ["form.jpg"]),
        ("#search", "THREE 姓名", ["three.pdf"]),
        ("#search", "onerror", ["<b>hostile.png"]),
        ("#search", "no such words", []),
        ("#key", "ticked", ["<b>hostile.png"]),
        ("#status", "FAILURE", ["broken.jpg"]),
        ("#status", "SUCCESS", ["<b>hostile.png", "form.jpg"]),
        ("#status", "changed", []),
        ("#below", "400", ["<b>hostile.png"]),
        ("#order", "name", ["<b>hostile.png", "broken.jpg", "form.jpg", "three.pdf"]),
    ],
)
def test_list_is_narrowed_and_ordered(page, selector, value, expected):
    if selector in ("#status", "#order"):
        page.select_option(selector, value)
    elif selector == "#below":
        page.locator(selector).evaluate(
            "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )
    else:
        page.fill(selector, value)
    wait_for_names(page, expected)


def test_key_and_confidence_together_find_the_pairs_to_check(page):
    page.fill("#key", "date of birth")
    wait_for_names(page, ["three.pdf", "form.jpg"])
    page.locator("#below").evaluate(
        "e => { e.value = 500; e.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    wait_for_names(page, ["three.pdf"])
    open_document(page, "three.pdf")
    assert page.url.endswith("/3")  # the page that has the pair


def test_failed_page_says_why(page):
    open_document(page, "three.pdf")
    page.wait_for_selector(".leaf")
    page.click(".leaf >> nth=1")
    page.wait_for_selector(".failure")
    assert "MODEL_FAILED in MODEL" in page.locator(".failure").inner_text()
    assert "Nothing was found" in page.locator(".pairs").inner_text()


def test_hover_shows_the_link_and_zoom_enlarges(page):
    open_document(page, "form.jpg")
    page.locator(".pair", has_text="Gebühr").hover()
    assert page.locator(".box.hovered").count() == 2
    assert page.locator(".link.strong").count() >= 1
    box = page.locator("polygon[data-id='2']")
    box.hover(force=True)
    assert "李雷" in page.locator(".card").inner_text()
    before = box.bounding_box()["width"]
    press(page, "+", "+")
    assert box.bounding_box()["width"] > 1.5 * before
    press(page, "0")
    assert box.bounding_box()["width"] == pytest.approx(before, rel=0.02)


# ---------------------------------------------------------------- correcting


def test_a_run_is_corrected_by_keys_alone_and_survives_a_reload(page, output, tmp_path):
    press(page, "ArrowDown", "End", "Enter")  # the last document: form.jpg
    page.wait_for_selector(".pairs")
    press(page, "Home")
    assert chosen(page) == ("姓名:", "李雷")
    press(page, "Enter")
    page.keyboard.type("韩梅梅")
    press(page, "Enter", "ArrowDown", "a")  # kept; the next pair is accepted
    assert chosen(page) == ("Gebühr", "1.234,50 €")
    press(page, "u", "ArrowUp")  # unlinked
    assert ("Gebühr", "no value") in rows(page)
    press(page, "Control+z", "Control+z", "Control+y", "Control+y")
    assert ("Gebühr", "no value") in rows(page)
    page.reload()
    page.wait_for_selector(".pairs")
    assert ("姓名:", "韩梅梅") in rows(page) and ("Gebühr", "no value") in rows(page)
    press(page, "d")
    (found,) = download(page, tmp_path).pages
    assert (found.uri, found.page, found.done) == (pages.document("form.jpg").uri, 1, True)
    assert {entity.name: (entity.action, entity.text) for entity in found.entities} == {
        2: ("change", "韩梅梅"),
        3: ("accept", None),
        4: ("accept", None),
    }
    assert {(link.key, link.value): link.action for link in found.links} == {
        (3, 4): "accept",
        (5, 6): "remove",
    }


def test_a_text_is_kept_when_something_else_is_clicked(page, tmp_path):
    """What is clicked must still be there when the text that was left by it has been taken in."""
    open_document(page, "form.jpg")
    page.locator(".pair", has_text="李雷").click()
    page.fill("#text-value", "one")
    page.locator(".pair", has_text="Gebühr").click()
    assert chosen(page) == ("Gebühr", "1.234,50 €")
    page.fill("#text-value", "two")
    page.click("[aria-label='Tick or remove the tick']")
    assert ("Gebühr", "☑ two") in rows(page)
    page.click("[aria-label='Tick or remove the tick']")
    assert ("Gebühr", "☐ two") in rows(page)
    page.fill("#text-value", "three")
    page.locator("polygon[data-id='4']").click()
    assert chosen(page) == ("Date of birth", "2001-02-03")
    page.fill("#text-key", "Born")
    page.click(".inspector .primary")  # accept and go on
    assert chosen(page) == ("Gebühr", "three")
    (found,) = download(page, tmp_path).pages
    assert {entity.name: entity.text for entity in found.entities if entity.text} == {
        2: "one",
        3: "Born",
        6: "three",
    }


def test_a_box_is_drawn_by_keys_labelled_and_linked(page, tmp_path):
    open_document(page, "form.jpg")
    page.locator(".pair", has_text="備考").click()
    press(page, "n", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Enter")
    page.wait_for_selector("#text-value:focus")
    page.keyboard.type("nothing")
    press(page, "Enter")
    assert ("備考", "nothing") in rows(page)
    (found,) = download(page, tmp_path).pages
    (entity,) = found.entities
    assert (entity.action, entity.text, entity.label) == ("add", "nothing", "ANSWER")
    assert entity.box is not None
    assert entity.box[0] > 180 and entity.box[1] > 500
    assert [(link.key, link.value, link.action) for link in found.links] == [(7, "n0", "add")]


def test_a_box_is_drawn_with_the_pointer_and_takes_the_text_of_lines_below_it(page, tmp_path):
    open_document(page, "<b>hostile.png")
    press(page, "Home")
    page.locator(".pair", has_text="on its own").click()
    press(page, "Delete")
    assert not any("on its own" in row for row in rows(page))
    press(page, "n")
    place = page.locator(".canvas").evaluate(
        """svg => [[80, 380], [330, 460]].map(([x, y]) => {
            const p = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM()); return [p.x, p.y]; })"""
    )
    page.mouse.move(*place[0])
    page.mouse.down()
    page.mouse.move(*place[1], steps=4)
    page.mouse.up()
    page.wait_for_selector("#text-value:focus")
    press(page, "Escape")
    (found,) = download(page, tmp_path).pages
    added = next(entity for entity in found.entities if entity.action == "add")
    assert added.box == pytest.approx((80, 380, 330, 460), abs=4)


def test_links_labels_and_ticks_are_changed_by_keys(page, tmp_path):
    open_document(page, "<b>hostile.png")
    page.locator(".pair", has_text="Ticked").click()
    press(page, "t")
    assert ("Ticked", "☑") in rows(page)
    page.locator(".pair", has_text="on its own").click()
    press(page, "l", "Home", "Enter")  # to the first row's key
    assert ("</script><b>Bold?</b>", "on its own") in rows(page)
    page.locator(".pair", has_text="Ticked").click()
    press(page, "ArrowRight", "3")  # a header has no key
    assert ("Ticked", "no value") in rows(page)
    (found,) = download(page, tmp_path).pages
    assert {entity.name: (entity.text, entity.label) for entity in found.entities} == {3: ("☑", "HEADER")}
    assert {(link.key, link.value): link.action for link in found.links} == {(0, 4): "add", (2, 3): "remove"}


def test_all_above_a_confidence_are_accepted_and_that_is_undone(page, tmp_path):
    open_document(page, "form.jpg")
    press(page, "Shift+A")
    page.select_option("#accept-scope", "page")
    page.locator("#accept-range").evaluate("e => { e.value = 640; e.dispatchEvent(new Event('input')); }")
    page.click("dialog >> text='Accept'")
    page.wait_for_selector(".state.accepted")
    assert page.locator(".state.accepted").count() == 2  # 0.73 and 0.65, not 0.57
    press(page, "Control+z")
    assert page.locator(".state.accepted").count() == 0
    press(page, "Shift+A")
    page.select_option("#accept-scope", "run")
    page.click("dialog >> text='Accept'")
    page.wait_for_selector("dialog", state="detached")
    assert download(page, tmp_path).accepted_above == 0.95


def test_a_file_of_corrections_is_opened_again(page, output, tmp_path):
    open_document(page, "form.jpg")
    press(page, "Home", "Enter")
    page.keyboard.type("<i>韩梅梅</i>")
    press(page, "Enter", "s")
    before = download(page, tmp_path)
    with new_page(page.context.browser) as other:
        open_review(other, output)
        for file, said in (
            (tmp_path / "broken.json", "cannot be used"),
            (tmp_path / "corrections.json", "opened"),
        ):
            (tmp_path / "broken.json").write_text("{")
            other.click("#top >> text=Corrections")
            other.set_input_files("#corrections-file", file)
            other.wait_for_selector(f".toast:has-text('{said}')")
        open_document(other, "form.jpg")
        assert ("姓名:", "<i>韩梅梅</i>") in rows(other)
        other.locator("h1").click()
        assert download(other, tmp_path) == before


# ---------------------------------------------------------------- for everybody, everywhere


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1360, 850), (390, 844)], ids=["desktop", "phone"])
def test_accessibility(output, chrome, scheme, size):
    with new_page(chrome, size, scheme) as page:
        open_review(page, output)
        check_accessibility(page)
        for name in ("form.jpg", "three.pdf", "broken.jpg"):
            open_document(page, name)
            if name == "form.jpg":
                press(page, "a")
            check_accessibility(page)
            wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert wide, "the page is wider than the screen"
            page.goto(page.url.split("#")[0] + "#/")
            page.wait_for_selector(".documents")
        for key in ("?", "Shift+A"):
            press(page, key)
            page.wait_for_selector("dialog[open]")
            check_accessibility(page)
            press(page, "Escape")


def test_pictures_that_the_job_drew_on_stand_in_for_clean_ones(chrome, tmp_path):
    folder = small_runs.write_run(tmp_path / "out", clean=False)
    review.write_review(str(folder), small_runs.RUN_ID)
    with new_page(chrome) as page:
        open_review(page, folder)
        open_document(page, "form.jpg")
        image = page.locator("image")
        assert "overlays/run_id=small" in image.get_attribute("href")
        assert float(image.get_attribute("x")) < 0  # the title lies above the page, outside of the view


def test_a_bucket_will_do(output, chrome):
    handler = partial(Quiet, directory=str(output))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, new_page(chrome) as page:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{server.server_port}/review/run_id={small_runs.RUN_ID}/index.html")
        page.wait_for_selector("html[data-ready]")
        open_document(page, "form.jpg")
        assert ("姓名:", "李雷") in rows(page)
        page.wait_for_function(
            "async () => { const i = new Image(); "
            "i.src = document.querySelector('image').getAttribute('href'); "
            "await i.decode(); return i.naturalWidth === 500; }"
        )
        server.shutdown()


def test_a_missing_chunk_is_said_on_the_page(output, chrome, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(output, folder)
    (folder / "review" / "run_id=small" / "data" / "documents-00000.js").unlink()
    with new_page(chrome, expected="ERR_FILE_NOT_FOUND") as page:
        page.goto(f"file://{folder}/review/run_id=small/index.html")
        page.wait_for_selector("[role=alert]")
        assert "documents-00000.js cannot be loaded" in page.locator("[role=alert]").inner_text()


def test_data_of_another_version_are_refused(output, chrome, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(output, folder)
    run = folder / "review" / "run_id=small" / "data" / "run-00000.js"
    run.write_text(run.read_text().replace('"data_version":1', '"data_version":2'))
    with new_page(chrome) as page:
        page.goto(f"file://{folder}/review/run_id=small/index.html")
        page.wait_for_selector("[role=alert]")
        assert "write the review again" in page.locator("[role=alert]").inner_text()


def test_an_address_that_leads_nowhere_leads_to_the_list(page, output):
    open_review(page, output, "#/%zz/7")
    assert page.locator(".documents li").count() == 4
