"""Views of labelled pages: the entity of every character."""

from beam_kie.document import TextLine
from beam_kie.geometry import box_polygon
from beam_kie.labelled.alignment import gold_view, ocr_view, visual_view
from beam_kie.labelled.formats import LabelledEntry, LabelledPage, Word


def entry(number, text, label, box, links=(), words=()):
    return LabelledEntry(number, text, label, box_polygon(box), tuple(links), tuple(words))


KEY = entry(1, "姓名：", "QUESTION", (100, 100, 160, 120), [(1, 2)])
VALUE = entry(2, "张三丰", "ANSWER", (165, 100, 225, 120), [(1, 2)])
OTHER = entry(3, "第1页", "OTHER", (500, 900, 560, 920))
PAGE = LabelledPage("p", 1000, 1000, (VALUE, KEY, OTHER))


def test_gold_view_is_in_reading_order_and_other_owns_nothing():
    page = gold_view(PAGE)
    assert [line.text for line in page.lines] == ["姓名：", "张三丰", "第1页"]
    assert [set(line.owners) for line in page.lines] == [{1}, {2}, {None}]
    assert page.labels == {1: "QUESTION", 2: "ANSWER"}
    assert page.relations == {(1, 2)}


def test_ocr_line_over_key_and_value_is_divided_between_them():
    line = TextLine("姓名:张三丰", box_polygon((98, 98, 228, 122)))
    (read,) = ocr_view(PAGE, [line]).lines
    assert read.owners == (1, 1, 1, 2, 2, 2)


def test_misread_characters_go_with_their_neighbours():
    line = TextLine("性名:张二丰", box_polygon((98, 98, 228, 122)))
    (read,) = ocr_view(PAGE, [line]).lines
    assert read.owners == (1, 1, 1, 2, 2, 2)


def test_ocr_line_on_nothing_labelled_owns_nothing():
    stray = TextLine("stamp", box_polygon((700, 300, 800, 330)))
    (read,) = ocr_view(PAGE, [stray]).lines
    assert read.owners == (None,) * 5


def test_ocr_lines_of_one_entity_share_its_owner():
    tall = entry(4, "一二三四五六", "ANSWER", (100, 200, 160, 250))
    page = LabelledPage("p", 1000, 1000, (tall,))
    lines = [
        TextLine("一二三", box_polygon((100, 200, 160, 222))),
        TextLine("四五六", box_polygon((100, 226, 160, 249))),
    ]
    assert [set(line.owners) for line in ocr_view(page, lines).lines] == [{4}, {4}]


def test_visual_view_cuts_by_the_words_rows():
    words = [
        Word("Street", (100, 100, 150, 118)),
        Word("1", (155, 101, 160, 118)),
        Word("Town", (100, 122, 140, 140)),
    ]
    value = entry(5, "Street 1 Town", "ANSWER", (100, 100, 160, 140), (), words)
    page = visual_view(LabelledPage("p", 1000, 1000, (value,)))
    assert [line.text for line in page.lines] == ["Street 1", "Town"]
    assert page.lines[1].box == (100, 122, 140, 140)
    assert all(set(line.owners) == {5} for line in page.lines)


def test_visual_view_guesses_rows_of_tall_ideograph_boxes():
    text = "本人承诺所填写的内容真实有效并愿意承担责任"
    tall = entry(6, text, "ANSWER", (100, 100, 320, 152))
    page = visual_view(LabelledPage("p", 1000, 1000, (tall,)))
    assert len(page.lines) == 2
    assert "".join(line.text for line in page.lines) == text
    flat = entry(7, text, "ANSWER", (100, 100, 100 + 20 * len(text), 122))
    assert len(visual_view(LabelledPage("p", 1000, 1000, (flat,))).lines) == 1
