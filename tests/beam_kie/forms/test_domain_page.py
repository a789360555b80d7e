import itertools

import pytest

from beam_kie.forms import Look, domain_languages, domain_names, generate_domain_layout, generate_form
from beam_kie.forms.domains import COMMON, load_domain
from beam_kie.forms.model import ANSWER, HEADER, OTHER, QUESTION


@pytest.fixture(scope="module")
def layouts():
    return [
        generate_domain_layout(language, place, name, look=Look.FORM)
        for language in domain_languages()
        for place, name in enumerate(domain_names(language))
    ]


def test_the_same_arguments_give_the_same_form():
    assert generate_domain_layout("en", 7, "tax") == generate_domain_layout("en", 7, "tax")
    assert generate_domain_layout("en", 7).entries != generate_domain_layout("en", 8).entries


def test_a_form_says_its_domain():
    layout = generate_domain_layout("zh", 3, "customs", dpi=100)
    assert (layout.language, layout.kind, layout.seed, layout.dpi) == ("zh", "domain:customs", 3, 100)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("xx", 0), "language"), (("en", 0, "novels"), "domain"), (("en", 0, COMMON), "domain")],
    ids=["language", "domain", "common"],
)
def test_impossible_arguments_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        generate_domain_layout(*arguments)


def test_an_unknown_annotation_style_is_refused():
    with pytest.raises(ValueError, match="annotation style"):
        generate_domain_layout("en", 0, labels="other")


def test_labels_and_links_fit_together(layouts):
    for layout in layouts:
        labels = [entry.label for entry in layout.entries]
        assert set(labels) <= {QUESTION, ANSWER, HEADER, OTHER}
        for entry in layout.entries:
            assert entry.text.strip() and entry.pieces
            assert entry.linking or entry.label != ANSWER
            for link in entry.linking:
                assert (labels[link[0]], labels[link[1]]) == (QUESTION, ANSWER)
                assert all(link in layout.entries[end].linking for end in link)


def test_texts_lie_on_the_page_and_not_on_one_another(layouts):
    for layout in layouts:
        pieces = [piece for entry in layout.entries for piece in entry.pieces]
        for piece in pieces:
            xs, ys = piece.polygon[0::2], piece.polygon[1::2]
            assert 0 <= min(xs) < max(xs) <= layout.width_px
            assert 0 <= min(ys) < max(ys) <= layout.height_px
        for first, second in itertools.combinations(pieces, 2):
            assert overlap(first.polygon, second.polygon) < 0.15, (layout, first.text, second.text)


def overlap(a, b):
    width, height = min(a[4], b[4]) - max(a[0], b[0]), min(a[5], b[5]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min((p[4] - p[0]) * (p[5] - p[1]) for p in (a, b))


@pytest.mark.parametrize("name", ["tax", "vehicle", "survey"])
def test_keys_of_the_form_are_the_domains_words(name):
    domain, common = load_domain("en", name), load_domain("en", COMMON)
    words = {*domain.key_texts(), *common.key_texts()}
    plain = {"".join(filter(str.isalnum, word)).lower() for word in words}
    keys = [
        "".join(filter(str.isalnum, entry.text.lstrip("0123456789.() "))).lower()
        for seed in range(10)
        for entry in generate_domain_layout("en", seed, name, labels="xfund", look=Look.FORM).entries
        if entry.label == QUESTION
    ]
    assert sum(key in plain for key in keys) > 0.6 * len(keys) > 100


def test_titles_are_headers_and_the_domains(layouts):
    for layout in layouts:
        titles = [
            plain(title) for title in load_domain(layout.language, layout.kind.partition(":")[2]).titles
        ]
        headers = [plain(entry.text) for entry in layout.entries if entry.label == HEADER]
        assert any(title in header or title.startswith(header) for title in titles for header in headers)


def plain(text):
    return text.replace(" ", "").casefold()


def test_forms_are_believably_full(layouts):
    lines = [sum(len(entry.pieces) for entry in layout.entries) for layout in layouts]
    assert 60 < sum(lines) / len(lines) < 110
    assert sum(30 <= count <= 170 for count in lines) > 0.95 * len(lines)


def test_the_kinds_domain_and_domain_with_a_name_are_drawn():
    assert generate_form("en", 2, "domain:bank", dpi=60).layout == generate_domain_layout(
        "en", 2, "bank", dpi=60
    )
    assert generate_form("zh", 2, "domain", dpi=60).layout.kind.startswith("domain:")
