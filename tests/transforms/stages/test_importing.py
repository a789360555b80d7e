import gc
import sys

import pytest

from transforms.stages.importing import first_import


def test_garbage_is_not_looked_for_while_a_module_is_imported_and_is_again_afterwards():
    made = [[]]
    with pytest.raises(ImportError), first_import("no.such.module"):
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    assert not any(each is made for each in gc.get_objects())


def test_nothing_changes_for_a_module_that_is_there_or_where_nobody_looks_for_garbage():
    before = gc.get_freeze_count()
    with first_import("sys"):
        assert gc.isenabled()
    gc.disable()
    try:
        with first_import("no.such.module"):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert gc.get_freeze_count() <= before
    assert "no.such.module" not in sys.modules
