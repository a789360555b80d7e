from beam_kie.evaluation import gold_pages
from beam_kie.labelled.formats import LabelledPage
from beam_kie.labelled.sources import scale_warning
from tests.labelled_forms import FORM


def test_labels_of_another_resolution_are_noticed():
    half = LabelledPage("h.png", 1800, 1000, FORM.entries[:5])
    larger = LabelledPage("l.png", 450, 250, FORM.entries)

    assert scale_warning(gold_pages([FORM])) is None
    assert "smaller copy" in scale_warning(gold_pages([half]))
    assert scale_warning(gold_pages([half, FORM])) is None
    assert "beyond their pictures" in scale_warning(gold_pages([larger]))
