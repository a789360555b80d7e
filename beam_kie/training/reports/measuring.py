"""What a run says of its model: F1 on pages that it does not learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from beam_kie.evaluation.measure import Progress, evaluate, no_progress, relation_score
from beam_kie.evaluation.metrics import Score
from beam_kie.evaluation.pairs import pairs_from_lines
from beam_kie.forms import generate_layout
from beam_kie.labelled.gold import GoldPage, gold_pages
from beam_kie.layoutxlm.config import STRIPS
from beam_kie.layoutxlm.model import KieModel

OTHER_FORMS = "other forms (generated)"
_LANGUAGES, _SEEDS = ("zh", "en", "de", "fr"), (900_001, 900_002, 900_003)
_NOTABLY = 0.01


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


def mean_score(report: Mapping[str, Mapping[str, float]]) -> float:
    """One number for a measurement: the mean over the sources of the F1 of pairs, else of what there is.

    Args:
        report: as of ``measured``, by source; empty: 0.
    """
    return fmean(each.get("pairs", fmean(each.values())) for each in report.values()) if report else 0.0


def changes(
    before: str | Path,
    after: str | Path,
    held_out: Mapping[str, Sequence[GoldPage]],
    device: str,
    progress: Progress = no_progress,
) -> list[str]:
    """What training changed, a line for each set of pages: those held out, and some generated forms.

    Args:
        before: the model folder that the run began from.
        after: the one that it made.
        held_out: pages by source, with the pictures that the models need.
        device: as of ``resolve_device``.
        progress: called with what is being done, pages done and pages in all.

    Returns:
        Nothing where the models do not find the same labels: there is nothing to compare.
    """
    models = [KieModel.load(folder, device=device) for folder in (before, after)]
    configs = [model.config for model in models]
    if configs[0].tags != configs[1].tags or configs[0].head_labels != configs[1].head_labels:
        return []
    pages = dict(held_out)
    if configs[0].head_labels == ("QUESTION",) and all(c.pictures in (None, STRIPS) for c in configs):
        layouts = [generate_layout(language, seed) for language in _LANGUAGES for seed in _SEEDS]
        pages[OTHER_FORMS] = gold_pages([layout.labelled_page("form") for layout in layouts])
    lines, done, total = [], 0, len(models) * sum(map(len, pages.values()))
    for name, its_pages in pages.items():
        scores = []
        for model in models:
            scores.append(measured(model, its_pages, ()))
            done += len(its_pages)
            progress("before and after", done, total)
        old, new = scores
        parts = [f"{key} {100 * old[key]:.1f} -> {100 * new[key]:.1f}" for key in old if key in new]
        lines.append(f"F1 in %, before and after, {name}: {', '.join(parts)}")
        if name == OTHER_FORMS and mean_score({"": new}) < mean_score({"": old}) - _NOTABLY:
            lines.append(
                "other forms are read worse than before: name start_from as the teacher, too, or mix forms "
                "in with synthetic_share"
            )
    return lines
