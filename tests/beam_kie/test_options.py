"""Options from a declaration of their own, beside those of the job."""

import pickle
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field
from enum import StrEnum
from functools import partial

import pytest

from beam_kie.options import (
    Effect,
    check_options,
    from_values,
    option,
    options_of,
    values_of,
    with_values,
)

_plain = partial(option, group="Plain", effect=Effect.NONE)


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, slots=True)
class Inner:
    side: int = field(
        default=8,
        metadata=option(
            "A side.", group="Inner", effect=Effect.RESULTS, flag="inner_side", minimum=2, maximum=9
        ),
    )
    ratio: float = field(default=0.5, metadata=_plain("A ratio.", minimum=0, maximum=1))

    def __post_init__(self):
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str = field(metadata=_plain("A name.", pattern=re.compile("[a-z]+"), form="letters", required=True))
    colour: Colour = field(default=Colour.RED, metadata=_plain("A colour."))
    inner: Inner = field(default_factory=Inner)
    note: str | None = field(default=None, metadata=_plain("A note."))
    files: tuple[str, ...] = field(default=(), metadata=_plain("Files."))
    quick: bool = field(default=True, metadata=_plain("Quickly."))
    count: int = field(
        default=1, metadata=_plain("How many.", minimum=1, shown_default="as many as there are")
    )
    internal: str | None = None

    def __post_init__(self):
        check_options(self)


OPTIONS = {item.flag: item for item in options_of(Outer)}


def test_options_are_the_fields_with_metadata_in_their_order():
    assert list(OPTIONS) == ["name", "colour", "inner_side", "ratio", "note", "files", "quick", "count"]
    assert [item.kind for item in OPTIONS.values()] == [str, Colour, int, float, str, str, bool, int]
    assert [flag for flag, item in OPTIONS.items() if item.several] == ["files"]
    assert [flag for flag, item in OPTIONS.items() if item.choices] == ["colour"]
    assert OPTIONS["colour"].choices == ("red", "green")


@pytest.mark.parametrize(
    ("flag", "default", "shown"),
    [
        ("name", None, "none"),
        ("colour", "red", "red"),
        ("inner_side", 8, "8"),
        ("files", None, "none"),
        ("quick", True, "true"),
        ("count", None, "as many as there are"),
    ],
)
def test_defaults_for_the_command_line(flag, default, shown):
    assert (OPTIONS[flag].flag_default, OPTIONS[flag].shown_default) == (default, shown)


@pytest.mark.parametrize(
    ("flag", "text", "value"),
    [
        ("inner_side", "9", 9),
        ("ratio", "0.25", 0.25),
        ("quick", "No", False),
        ("note", " x ", "x"),
        ("note", "", None),
        ("name", "", None),
        ("name", "a", "a"),
    ],
)
def test_texts_are_parsed(flag, text, value):
    assert OPTIONS[flag].parse(text) == value


@pytest.mark.parametrize(
    ("flag", "text", "says"),
    [
        ("inner_side", "10", "from 2 to 9"),
        ("inner_side", "x", "'x' is not a whole number"),
        ("ratio", "nan", "a number from 0 to 1"),
        ("ratio", "x", "a number from 0 to 1"),
        ("count", "0", "at least 1"),
        ("quick", "perhaps", "true or false"),
        ("name", " a", "must be letters"),
    ],
)
def test_impossible_texts_are_refused(flag, text, says):
    with pytest.raises(ValueError, match=says):
        OPTIONS[flag].parse(text)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"inner_side": 1}, "side: must be from 2 to 9, not 1"),
        ({"ratio": float("nan")}, "ratio: must be a number from 0 to 1"),
        ({"colour": "blue"}, "colour: unknown value 'blue': choose one of red, green"),
        ({"name": "A"}, "name: 'A' must be letters"),
    ],
)
def test_impossible_values_are_refused(changes, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        from_values(Outer, {"name": "a", **changes})


def test_values_go_in_and_out_by_the_names_of_flags():
    values = {"name": "a", "colour": "green", "inner_side": 3, "files": ("x", "y")}
    config = from_values(Outer, values)
    assert config == Outer(name="a", colour=Colour.GREEN, inner=Inner(side=3), files=("x", "y"))
    assert config.colour is Colour.GREEN
    assert values_of(config).items() >= values.items()
    assert list(values_of(config)) == list(OPTIONS)


def test_a_copy_keeps_what_is_not_changed():
    config = from_values(Outer, {"name": "a", "inner_side": 3, "internal": "kept"})
    copy = with_values(config, ratio=0.75, quick=False)
    assert copy == Outer(name="a", inner=Inner(3, 0.75), quick=False, internal="kept")


@pytest.mark.parametrize("values", [{"name": "a", "side": 3}, {"name": "a", "inner": Inner()}, {}])
def test_unknown_and_missing_names_are_errors(values):
    with pytest.raises(TypeError):
        from_values(Outer, values)


def test_unknown_metadata_is_an_error_where_it_is_declared():
    with pytest.raises(TypeError):
        option("Help.", group="Plain", effect=Effect.NONE, minimun=1)


def test_configurations_stay_frozen_and_can_be_pickled():
    config = Outer(name="a")
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(FrozenInstanceError):
        config.name = "b"


def test_the_job_s_configuration_needs_no_beam():
    code = "import sys, transforms.config; print({'apache_beam', 'cv2', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
