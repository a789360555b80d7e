"""What a run says of its model: F1 on pages that it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence

from beam_kie.evaluation.measure import evaluate, relation_score
from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import pairs_from_lines
from beam_kie.labelled.gold import GoldPage
from beam_kie.layoutxlm.model import KieModel


def measured(model: KieModel, pages: Sequence[GoldPage], read: Sequence[GoldPage]) -> dict[str, float]:
    """F1 by name: "ser" and "pairs" where the model finds entities, "re" where it relates them.

    "re": between the labelled entities. "pairs_read": pairs on the lines that an OCR engine read.

    Args:
        model: what is measured.
        pages: as they are labelled.
        read: the same with lines of OCR; may be empty.
    """
    finds, relates = model.network.classifier is not None, model.network.relation_head is not None
    if not finds:
        related = model.relate([page.page for page in pages], [page.entities for page in pages])
        score = sum(map(relation_score, related, pages), Score())
        return {"re": round(score.f1, 4)}
    found = evaluate(model, pages)
    report = {"ser": round(found.ser.f1, 4)}
    if relates:
        report |= {"re": round(found.re.f1, 4), "pairs": round(found.pairs_gold_lines.f1, 4)}
        if read:
            report["pairs_read"] = round(pairs_from_lines(model, read).f1, 4)
    return report
