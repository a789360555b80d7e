import os

from transforms.stages.children.memory import MIB, Statm, default_budget_bytes, machine_bytes

GIB = 1024 * MIB


def test_children_share_the_machine():
    two = default_budget_bytes(2, 120_000_000, 16 * GIB)
    assert default_budget_bytes(4, 120_000_000, 16 * GIB) < two
    assert 2 * two < 16 * GIB


def test_no_child_gets_more_than_the_largest_page_needs_or_less_than_a_page_needs():
    assert default_budget_bytes(2, 10_000_000, 1000 * GIB) < default_budget_bytes(2, 120_000_000, 1000 * GIB)
    assert default_budget_bytes(1, 120_000_000, 1000 * GIB) < 6 * GIB
    assert default_budget_bytes(64, 120_000_000, 16 * GIB) == 1.5 * GIB


def test_a_container_has_its_own_memory(tmp_path):
    whole = machine_bytes(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_bytes(tmp_path) == whole
    (tmp_path / "memory.max").write_text("1048576\n")
    assert machine_bytes(tmp_path) == MIB


def test_memory_of_a_process_that_has_ended_is_none():
    statm = Statm(os.getpid())
    assert statm.resident_bytes() > MIB
    statm.close()
    assert statm.resident_bytes() == 0
    assert Statm(2**22 + 1).resident_bytes() == 0
