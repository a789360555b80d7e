import random
from dataclasses import replace

from beam_kie.forms.content import Content, Field
from beam_kie.forms.grid import grid
from beam_kie.forms.looks import personal_theme
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
