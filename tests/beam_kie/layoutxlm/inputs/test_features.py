import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from beam_kie.document import PageText, TextLine
from beam_kie.layoutxlm.inputs.batches import Window, collate, cut_windows, plan_batches
from beam_kie.layoutxlm.inputs.features import CutPlace, PageTokens, line_box_1000, page_tokens
from tests.small_networks import BUNDLED_KIND, character_tokenizer, form, line, page, small_config


def tokens_of_lines(*lengths) -> PageTokens:
    lines = np.repeat(np.arange(len(lengths)), lengths)
    positions = np.concatenate([np.arange(n) for n in lengths]) if lengths else np.zeros(0, int)
    zeros = np.zeros(len(lines), dtype=np.int64)
    return PageTokens(zeros, lines, zeros, zeros, positions, np.zeros((len(lengths), 4), dtype=np.int64))


def test_tokens_know_their_line_and_their_characters():
    tokens = page_tokens(page("ab", "c d"), character_tokenizer())
    assert tokens.lines.tolist() == [0, 0, 1, 1]
    assert list(zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)) == [
        (0, 1),
        (1, 2),
        (0, 1),
        (2, 3),
    ]
    assert tokens.positions.tolist() == [0, 1, 0, 1]
    assert tokens.line_boxes.tolist() == [[50, 21, 250, 35], [50, 42, 250, 57]]


def places_of(kind, *lines):
    tokens = page_tokens(page(*lines), character_tokenizer())
    return [(int(tokens.lines[i]), int(tokens.starts[i])) for i in np.flatnonzero(tokens.cut_places == kind)]


def test_tokens_know_whether_a_colon_stands_before_them():
    assert places_of(CutPlace.AFTER_COLON, "a: b:c", ":", "", "张:三") == [(0, 3), (0, 5), (3, 2)]
    assert page_tokens(page(""), character_tokenizer()).cut_places.tolist() == []


@pytest.mark.parametrize(
    ("line", "starts"),
    [
        ("YEAR 2020", [5]),
        ("1-NAME Ann Berg", [7]),
        ("DATE OF BIRTH 3-5-81", [14]),
        ("NAME ANN", []),
        ("AB cd", []),
        ("Name Ann", []),
        ("YEAR2020", []),
        ("NO. 12", []),
        ("姓名张 3", []),
    ],
)
def test_tokens_know_whether_words_in_capitals_end_before_them(line, starts):
    assert places_of(CutPlace.AFTER_CAPITALS, line) == [(0, start) for start in starts]


@pytest.mark.parametrize(
    ("line", "within"),
    [
        ("a(bc)d", "bc)"),
        ("a（b(c)d）e", "b(c)d）"),
        ("年龄（岁）3", "岁）"),
        ("a(bc", ""),  # the bracket is not closed
        ("ab)c", ""),
        ("a(b)c(d", "b)"),
        ("(b:c)", "b:)"),  # right after a colon, a cut is likely all the same
        ("甲，乙、丙。丁", "，乙、丙。"),
        ("a, b.", ""),
    ],
)
def test_tokens_know_whether_they_are_within_a_phrase(line, within):
    places = [start for _, start in places_of(CutPlace.IN_PHRASE, line)]
    assert "".join(line[start] for start in places) == within


def test_blank_lines_give_no_token_and_shift_nothing():
    tokens = page_tokens(page("", "ab", "   ", "c", "\u3000"), character_tokenizer())
    assert tokens.lines.tolist() == [1, 1, 3]
    assert len(tokens.line_boxes) == 5
    assert len(page_tokens(page("", " "), character_tokenizer())) == 0
    assert len(page_tokens(PageText("d", "u", 1, 10, 10), character_tokenizer())) == 0


@pytest.mark.parametrize(
    ("polygon", "box"),
    [
        ((-50, 10, 300, 10, 300, 2000, -50, 2000), (0, 7, 300, 1000)),
        ((2000, 2000, 2100, 2000, 2100, 2100, 2000, 2100), (1000, 1000, 1000, 1000)),
        ((300, 40, 100, 40, 100, 20, 300, 20), (100, 14, 300, 28)),
    ],
)
def test_boxes_outside_the_page_or_turned_round_stay_on_the_grid(polygon, box):
    text = page(lines=[TextLine("a", polygon)])
    assert line_box_1000(text.lines[0], text) == box


def test_words_have_boxes_in_proportion_to_their_characters():
    text = page(lines=[line("ab  cd", 100, 100, width=600), line("x", 0, 0)])
    tokens = page_tokens(text, character_tokenizer(), token_boxes="word")
    boxes = tokens.word_boxes[tokens.words]
    # As PaddleOCR counts: two spaces are one, so "cd" begins at the third of six characters.
    assert boxes[:, [0, 2]].tolist() == [[100, 300], [100, 300], [400, 600], [400, 600], [0, 200]]


def test_boxes_are_those_of_paddleocr(reference, sentencepiece):
    """But for boxes that leave the page, which PaddleOCR lets crash the network."""
    for case in json.loads((reference / "prepost.json").read_text("utf-8")):
        lines = tuple(
            TextLine(text, (x0, y0, x1, y0, x1, y1, x0, y1)) for text, (x0, y0, x1, y1) in case["order"]
        )
        text = PageText("d", "u", 1, case["width"], case["height"], lines=lines)
        by_line = case["use_textline_bbox_info"]
        tokens = page_tokens(text, sentencepiece, "line" if by_line else "word")
        rows, boxes = (tokens.lines, tokens.line_boxes) if by_line else (tokens.words, tokens.word_boxes)
        wanted = np.load(reference / f"prepost_{case['name']}.npz")["bbox"][0, : len(tokens)].clip(0, 1000)
        assert np.array_equal(boxes[rows], wanted), case["name"]


def test_a_page_that_fits_is_one_window():
    assert cut_windows(tokens_of_lines(5, 5), 3, 10, 4) == [Window(3, 0, 10)]
    assert cut_windows(tokens_of_lines(), 3, 10, 4) == []


@pytest.mark.parametrize("seed", range(20))
def test_windows_cover_everything_overlap_and_start_at_lines(seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 9, random.integers(10, 80))
    tokens = tokens_of_lines(*lengths)
    size, overlap = 30, 10
    windows = cut_windows(tokens, 0, size, overlap)
    assert windows[0].start == 0
    assert windows[-1].end == len(tokens)
    assert all(0 < len(window) <= size for window in windows)
    assert all(tokens.positions[window.start] == 0 for window in windows)
    for before, after in pairwise(windows):
        assert before.start < after.start <= before.end - overlap + 9
        assert after.end > before.end


def test_a_line_longer_than_a_window_is_cut_too():
    tokens = tokens_of_lines(3, 100, 2)
    windows = cut_windows(tokens, 0, 30, 10)
    covered = {i for window in windows for i in range(window.start, window.end)}
    assert covered == set(range(105))
    assert all(len(window) <= 30 for window in windows)


def test_batches_hold_windows_of_like_length_within_the_budget():
    windows = [Window(i, 0, length) for i, length in enumerate([5, 90, 20, 88, 7, 21])]
    batches = plan_batches(windows, 180)
    assert [[len(window) for window in batch] for batch in batches] == [[90, 88], [21, 20, 7, 5]]
    with_pictures = plan_batches(windows, 180, extra=49)
    assert [len(batch[0]) for batch in with_pictures] == [90, 88, 21, 7]
    assert sorted(window.page for batch in with_pictures for window in batch) == list(range(6))


def test_a_window_over_the_budget_goes_alone():
    assert plan_batches([Window(0, 0, 500), Window(1, 0, 3)], 100) == [[Window(0, 0, 500)], [Window(1, 0, 3)]]


def test_collating_numbers_the_lines_of_each_window():
    tokens = page_tokens(form(4), character_tokenizer())
    start = int(np.flatnonzero(tokens.lines == 5)[0])
    windows = [Window(0, 0, len(tokens)), Window(0, start, len(tokens))]
    batch = collate(windows, [tokens], small_config(**BUNDLED_KIND))
    length = len(windows[1])
    assert batch.lines[1, :length].min() == 0
    assert batch.lines[1, :length].max() == 2
    assert batch.mask.sum(1).tolist() == [len(tokens), length]
    assert batch.line_mask.sum(1).tolist() == [8, 3]
    assert batch.padded
    boxes = batch.line_boxes[1].gather(0, batch.lines[1, :length, None].expand(-1, 4))
    assert boxes.tolist() == tokens.line_boxes[tokens.lines[start:]].tolist()
    assert not collate(windows[:1], [tokens], small_config()).padded


def test_positions_count_through_the_page_or_the_line():
    tokens = tokens_of_lines(3, 200)
    window = [Window(0, 1, 203)]
    by_line = collate(window, [tokens], small_config(position_kind="line", max_position_embeddings=128))
    assert by_line.positions[0, :5].tolist() == [1, 2, 0, 1, 2]
    assert by_line.positions.max() == 127
    by_page = collate(window, [tokens], small_config())
    assert by_page.positions[0].tolist() == list(range(202))


def test_special_tokens_stand_around_the_text():
    tokens = page_tokens(page("ab", "c"), character_tokenizer())
    config = small_config(special_tokens="hf", bos_token_id=7, eos_token_id=8)
    batch = collate([Window(0, 0, 3), Window(0, 2, 3)], [tokens], config)
    assert batch.ids[0].tolist() == [7, *tokens.ids, 8]
    assert batch.ids[1].tolist() == [7, tokens.ids[2], 8, 0, 0]
    assert batch.positions[0].tolist() == [0, 1, 2, 3, 4]
    boxes = batch.line_boxes[0][batch.lines[0]]
    assert boxes[0].tolist() == [0, 0, 0, 0]
    assert boxes[4].tolist() == [1000, 1000, 1000, 1000]
    assert boxes[1:4].tolist() == tokens.line_boxes[tokens.lines].tolist()


def test_word_boxes_reach_the_network():
    text = page(lines=[line("ab cd", 100, 100, width=500)])
    tokens = page_tokens(text, character_tokenizer(), token_boxes="word")
    batch = collate([Window(0, 0, 4)], [tokens], small_config(token_boxes="word"))
    assert batch.line_boxes[0][batch.lines[0]][:, [0, 2]].tolist() == [[100, 300]] * 2 + [[400, 600]] * 2
    assert torch.equal(batch.lines, torch.tensor([[0, 0, 1, 1]]))
