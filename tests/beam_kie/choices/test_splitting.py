from beam_kie.choices.splitting import Owners
from beam_kie.document import LineSpan
from beam_kie.layoutxlm.decoding.entities import entity_from_spans
from beam_kie.ticks.sides import ticks_with_texts
from tests.beam_kie.ticks.pages import line, page


def parts(lines, spans, is_key=False):
    form = page(lines)
    entity = entity_from_spans(form, "ANSWER", tuple(LineSpan(*span) for span in spans), 0.9)
    return [
        (part.entity.text, part.option, part.is_key)
        for part in Owners(form, ticks_with_texts(form)).parts(entity, is_key)
    ]


def test_a_second_line_belongs_to_the_option_before_it():
    lines = [line("□short ☑long text", 100, 100), line("that goes on", 100, 130)]
    assert [text for text, *_ in parts(lines, [(0, 0, 17), (1, 0, 12)])] == [
        "□short",
        "☑long text that goes on",
    ]


def test_a_key_that_goes_on_below_its_first_line_is_cut_at_the_options_behind_that_line():
    lines = [line("May we call ● Yes ○ No", 100, 100), line("by phone? *:", 100, 130)]
    spans = [(0, 0, 22), (1, 0, 12)]
    assert parts(lines, spans, is_key=True) == [
        ("May we call by phone? *:", None, True),
        ("● Yes", 0, False),
        ("○ No", 1, False),
    ]
    one = [line("May we call ☑ Yes", 100, 100), lines[1]]
    assert parts(one, [(0, 0, 17), (1, 0, 12)], is_key=True)[0] == ("May we call by phone? *:", None, True)
    # Below the option's text, it goes on itself; a value has no key in it.
    beside = [one[0], line("by phone? *:", 240, 130)]
    assert parts(beside, [(0, 0, 17), (1, 0, 12)], is_key=True)[0][:2] == (
        "May we call ☑ Yes by phone? *:",
        0,
    )
    assert len(parts(one, [(0, 0, 17), (1, 0, 12)])) == 1


def test_a_value_with_one_option_stays_whole():
    assert parts([line("16 □ other", 100, 100)], [(0, 0, 10)]) == [("16 □ other", 0, False)]


def test_a_mark_whose_text_is_another_entity_is_no_option():
    lines = [line("Sex: ☑ Male", 100, 100)]
    assert parts(lines, [(0, 0, 6)], is_key=True) == [("Sex: ☑", None, False)]
