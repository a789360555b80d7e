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


def test_a_value_with_one_option_stays_whole():
    assert parts([line("16 □ other", 100, 100)], [(0, 0, 10)]) == [("16 □ other", 0, False)]


def test_a_mark_whose_text_is_another_entity_is_no_option():
    lines = [line("Sex: ☑ Male", 100, 100)]
    assert parts(lines, [(0, 0, 6)], is_key=True) == [("Sex: ☑", None, False)]
