from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.decoding.row_repairs import repair_rows
from tests.beam_kie.layoutxlm.decoding.rows import entities_of, links_of, page_of, texts, tokens_of_lines

PAGE = page_of(
    *(("Length", 40, 100), ("Weight", 40, 130)),
    *(("84", 300, 100), ("mm", 340, 100), ("12 g", 300, 130)),
)


class Linking:
    """Links every value to the first key; remembers what was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, items):
        self.asked.append(texts(items))
        values = [place for place, item in enumerate(items) if item.entity.label == "ANSWER"]
        return links_of(*((0, value) for value in values))


CONFIG = LayoutXLMConfig()


def repaired(found, config=CONFIG):
    link = Linking()
    items, links = repair_rows(config, PAGE, tokens_of_lines(PAGE), found, link)
    return texts(items), links, link.asked


def test_what_was_cut_is_linked_before_parts_are_joined_and_then_again():
    found = entities_of(PAGE, ("Q", 0), ("Q", 1), ("A", 2, 4), ("A", 3))
    items, links, asked = repaired(found)
    assert items == ["Q: Length", "Q: Weight", "A: 84 mm", "A: 12 g"]
    assert [len(each) for each in asked] == [4, 5, 4]
    assert links == links_of((0, 2), (0, 3))


def test_a_page_without_anything_to_repair_is_linked_once():
    found = entities_of(PAGE, ("Q", 0), ("A", 2, 3), ("Q", 1), ("A", 4))
    items, links, asked = repaired(found)
    assert items == texts(found) and len(asked) == 1
    assert links == links_of((0, 1), (0, 3))


def test_models_with_labels_of_their_own_are_left_alone():
    found = entities_of(PAGE, ("Q", 0), ("Q", 1), ("A", 2, 4), ("A", 3))
    several = LayoutXLMConfig(tail_labels=("ANSWER", "HEADER"))
    assert repaired(found, several)[0] == texts(found)


def test_a_value_beside_a_key_that_was_cut_is_cut_as_well():
    page = page_of(
        *(("Length", 40, 100), ("Weight", 40, 130)),
        *(("84 mm", 300, 100), ("12 g", 300, 130)),
        *(("left", 600, 100), ("right", 600, 130)),
    )
    found = entities_of(page, ("Q", 0, 1), ("A", 2), ("A", 3), ("A", 4, 5))
    link = Linking()
    items, _ = repair_rows(CONFIG, page, tokens_of_lines(page), found, link)
    assert texts(items) == [
        *("Q: Length", "Q: Weight", "A: 84 mm", "A: 12 g", "A: left", "A: right"),
    ]
    assert [len(each) for each in link.asked] == [4, 5, 6]
