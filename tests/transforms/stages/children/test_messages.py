import os
import pickle

import pytest

from beam_kie.document import Category, FailedPage, Failure, PageText, Stage, TextLine
from transforms.stages.children.messages import (
    Broken,
    Closed,
    NotOpened,
    Opened,
    PageRead,
    Ready,
    Step,
    pack,
    unpack_reply,
)

PAGE = PageText("id", "uri", 1, 10, 20, 90, (TextLine("a", (0.0,) * 8, 0.5),), preview=b"x", picture=b"y")
FAILURE = Failure("id", "uri", 1, Stage.OCR, Category.PAGE_CRASHED, "why")


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    "reply",
    [
        Ready(),
        Broken("why"),
        Opened("pdf", 3, FAILURE),
        NotOpened(None, FAILURE),
        Step(Stage.OCR),
        Closed(),
        PageRead(PAGE, {"ocr": 0.5}),
        PageRead(FailedPage(FAILURE, PAGE)),
        PageRead(FAILURE),
    ],
)
def test_replies_arrive_as_they_were(reply):
    assert unpack_reply(pack(reply)) == reply


@pytest.mark.parametrize(
    "reply", [Evil(), PageRead(Evil()), Opened("pdf", Evil()), os.getcwd, "text", PAGE.lines]
)
def test_nothing_else_is_unpickled(reply):
    with pytest.raises(pickle.UnpicklingError):
        unpack_reply(pack(reply))
