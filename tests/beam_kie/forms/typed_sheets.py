"""Sheets in one face that tests type on, and what is on them."""

import random
from dataclasses import replace

from beam_kie.forms.sheet import Sheet
from beam_kie.forms.theme import make_theme
from beam_kie.forms.vocabulary import load

PITCH = 12.0


def sheet_of(seed=0, labels="funsd", width=500.0, height=700.0):
    rng = random.Random(seed)
    theme = make_theme(rng, load("en"), labels, noto_only=True)
    plain = {"numbered": "", "upper_keys": False, "comb": False, "numbers_apart": False, "jitter": 0.0}
    key = theme.key._replace(size=9.0)
    theme = replace(theme, **plain, key=key, value=key, heading=key, colon=":", options_as_keys=False)
    return Sheet(width, height, theme, rng, margin=20)


def finished(sheet):
    return sheet.finish("en", "made", 0, 72)
