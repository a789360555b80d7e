"""Figures over pages, their standard errors, and differences of two results."""

import pytest

from beam_kie.training.folds.figures import differences, differences_table, figures, figures_table


def pages(*counts, readings=("default",)):
    """Pages with these numbers of right pairs of 10, for every reading."""
    return {
        f"p{number}": {
            "pairs_ocr_lines": {
                reading: [right, 10, 10] for reading, right in zip(readings, of_page, strict=True)
            }
        }
        for number, of_page in enumerate(counts)
    }


def test_a_figure_is_the_mean_over_the_readings():
    figure = figures(pages((6, 4), (8, 4), readings=("default", "tight")))["pairs_ocr_lines"]
    assert figure.readings == {"default": 70, "tight": 40}
    assert (figure.f1, figure.spread) == (55, 30)
    # Of two pages, 5 and 6 of 10 right on average, half of the draws have one of them twice.
    assert figure.standard_error == pytest.approx(5 * 0.5**0.5, rel=0.1)


def test_the_standard_error_is_that_of_drawing_pages_again():
    figure = figures(pages(*[(10,)] * 20, *[(0,)] * 20))["pairs_ocr_lines"]
    assert figure.standard_error == pytest.approx(100 * (0.5 * 0.5 / 40) ** 0.5, rel=0.1)


def test_pages_that_differ_alike_make_a_difference_without_error():
    """Pages differ much more than the two results do: only a paired bootstrap sees it."""
    before, after = pages((1,), (5,), (8,)), pages((2,), (6,), (9,))
    found = differences(before, after)["pairs_ocr_lines"]
    assert found.difference == pytest.approx(10)
    assert found.standard_error == pytest.approx(0, abs=1e-6)
    assert found.is_one and found.pages == 3


def test_a_gain_smaller_than_its_error_is_none():
    before, after = pages((5,), (5,), (5,), (5,)), pages((9,), (2,), (3,), (5,))
    found = differences(before, after)["pairs_ocr_lines"]
    assert -found.standard_error < found.difference < 0 and not found.is_one
    assert "none" in differences_table({"a": {"pairs_ocr_lines": found}}, "b")[-1]


def test_only_what_both_have_is_compared():
    before = pages((5, 1), (5, 1), readings=("default", "wide"))
    after = {**pages((7, 1), readings=("default", "tight")), "other": {}}
    found = differences(before, after)["pairs_ocr_lines"]
    assert found.difference == pytest.approx(20) and found.pages == 1
    assert differences(before, {"other": {}}) == {}


def test_tables_show_source_figure_and_error():
    text = "\n".join(figures_table({"zh": figures(pages((6, 4), readings=("a", "b")))}, {"zh": 1}))
    assert "zh, 1 pages" in text and "50.00" in text and "20.00" in text
