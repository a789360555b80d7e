"""Evaluation of a model on labelled pages: ``python -m beam_kie.evaluation --help``."""

from beam_kie.evaluation.measure import Report, evaluate
from beam_kie.labelled.gold import GoldPage, gold_pages

__all__ = ["GoldPage", "Report", "evaluate", "gold_pages"]
