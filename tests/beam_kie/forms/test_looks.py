import random

from beam_kie.forms.looks import personal_theme
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
