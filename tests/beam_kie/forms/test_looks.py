import random
from dataclasses import replace

from beam_kie.forms.content import Content, Field
from beam_kie.forms.grid import grid
from beam_kie.forms.looks import Look, personal_theme, pick_look, typed_theme
from beam_kie.forms.model import Stroke
from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme
from beam_kie.forms.vocabulary import load


def themes(language="de", noto_only=False):
    for seed in range(120):
        rng = random.Random(seed)
        before = make_theme(rng, load(language), "xfund", noto_only)
        yield before, personal_theme(before, rng, language, noto_only)


def test_some_forms_are_written_by_hand_and_only_their_values():
    written = [(before, after) for before, after in themes() if after.value.wobble]
    assert 10 < len(written) < 50
    for before, after in written:
        assert after.value.face.startswith("hand-") and after.value.size > before.value.size
        assert (after.key, after.title, after.small) == (before.key, before.title, before.small)


def test_some_forms_are_less_than_half_full():
    assert 3 < sum(after.fill < 0.42 for _, after in themes()) < 40


def test_with_one_face_only_a_hand_writes_in_it():
    for before, after in themes("zh", noto_only=True):
        assert after.value.face == before.value.face


def test_cells_of_some_grids_are_of_unequal_width():
    rng = random.Random(4)
    content = Content("de", rng)
    theme = replace(
        make_theme(rng, content.words, "xfund", noto_only=True), columns=2, arrangement="grid", shade=None
    )
    fields = [Field("made", f"Feld {index}", ["Wert"]) for index in range(12)]
    splits = {}
    for uneven in (False, True):
        sheet = Sheet(500, 700, replace(theme, uneven=uneven), rng, margin=20)
        assert grid(sheet, content, fields, sheet.left, sheet.right) == len(fields)
        strokes = [s for s in sheet.finish("de", "made", 0, 72).shapes if isinstance(s, Stroke)]
        frames = [stroke.points for stroke in strokes if len(stroke.points) == 5]
        assert all(20 <= points[0][0] < points[1][0] <= 481 for points in frames)
        splits[uneven] = {round(points[1][0]) for points in frames}
    assert splits[False] == {250, 480}
    assert len(splits[True]) > 4


def test_english_forms_are_in_capitals_and_typed_more_often_than_others():
    found = {}
    for language, labels in (("en", "funsd"), ("de", "xfund"), ("zh", "xfund")):
        made = []
        for seed in range(120):
            rng = random.Random(seed)
            made.append(personal_theme(make_theme(rng, load(language), labels), rng, language, False))
        found[language] = made
    english, german, chinese = found.values()
    for name in ("upper_keys", "upper_heads", "upper_values", "numbers_apart"):
        counts = [sum(getattr(theme, name) for theme in made) for made in (english, german, chinese)]
        assert counts[0] > counts[1] >= counts[2] == 0, name
    assert any(theme.key.face == theme.title.face == "typewriter" for theme in english)


def test_with_one_face_only_nothing_is_typed():
    for seed in range(60):
        rng = random.Random(seed)
        theme = personal_theme(make_theme(rng, load("en"), "funsd", True), rng, "en", True)
        assert theme.key.face.startswith("noto")


def test_sheets_labelled_as_funsd_are_typed_more_often():
    rng = random.Random(1)
    other, english = (
        [pick_look(rng, receipts=False, labels=labels) for _ in range(300)].count(Look.TYPED)
        for labels in ("xfund", "funsd")
    )
    assert 0 < 2 * other < english < 200


def test_a_typed_sheet_has_one_face_and_lines_close_together():
    for seed in range(30):
        rng = random.Random(seed)
        before = make_theme(rng, load("en"), "funsd")
        theme = typed_theme(before, rng, noto_only=False)
        assert theme.key[:2] == theme.heading[:2] and theme.key.face == theme.title.face
        assert 1.0 < theme.key.leading == theme.value.leading < 1.4
        with_one_face = typed_theme(make_theme(rng, load("en"), "funsd", True), rng, noto_only=True)
        assert with_one_face.key.face.startswith("noto")
