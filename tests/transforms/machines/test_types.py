import pytest

from transforms.machines.types import (
    Machine,
    example_machine,
    families,
    gpu_types,
    size_of,
    tables,
    what_is_wrong,
)


@pytest.mark.parametrize(
    ("machine_type", "size"),
    [
        ("n2-standard-4", (4, 16)),
        ("n1-highmem-8", (8, 52)),
        ("g2-standard-24", (24, 96)),
        ("a2-highgpu-1g", (12, 85)),
        ("custom-6-15360", (6, 15)),
        ("n2-custom-4-8192", (4, 8)),
    ],
)
def test_sizes(machine_type, size):
    assert size_of(machine_type) == Machine(*size)


@pytest.mark.parametrize(
    "machine_type", ["n2-standard-0", "z9-standard-4", "n2", "", "a2-standard-8", "custom-0-1"]
)
def test_sizes_that_are_not_known(machine_type):
    with pytest.raises(ValueError, match="not known"):
        size_of(machine_type)


def test_every_machine_of_the_gpus_has_a_size():
    for names in tables()["gpus"]["built_in"].values():
        for name in names:
            assert size_of(name).cores >= 4


@pytest.mark.parametrize("gpu_type", gpu_types())
def test_examples_are_right(gpu_type):
    for count in (1, 2, 4, 8):
        machine = example_machine(gpu_type, count)
        assert machine.split("-", 1)[0] in families(gpu_type)
        size_of(machine)
        if (
            gpu_type in tables()["gpus"]["built_in"]
            and count in tables()["gpus"]["built_in"][gpu_type].values()
        ):
            assert what_is_wrong(gpu_type, count, machine) is None


@pytest.mark.parametrize(
    ("gpu_type", "count", "machine_type", "says"),
    [
        ("nvidia-l4", 1, "g2-standard-4", None),
        ("nvidia-l4", 2, "g2-standard-4", "take g2-standard-24"),
        ("nvidia-l4", 1, "n1-standard-4", "goes with g2 machines"),
        ("nvidia-l4", 3, "g2-standard-4", "has 1 nvidia-l4"),
        ("nvidia-tesla-a100", 1, "a2-standard-8", "take a2-highgpu-1g"),
        ("nvidia-tesla-t4", 1, "n1-standard-8", None),
        ("nvidia-tesla-t4", 1, "n1-standard-64", "at most 48 cores"),
        ("nvidia-tesla-t4", 3, "n1-standard-8", "can have 1, 2, 4"),
        ("nvidia-tesla-t4", 1, "n1-large", "no machine type 'n1-large'"),
        ("nvidia-tesla-t4", 1, "custom-4-16384", None),
    ],
)
def test_what_goes_together(gpu_type, count, machine_type, says):
    found = what_is_wrong(gpu_type, count, machine_type)
    assert found is None if says is None else says in (found or "")


def test_tables_name_their_sources():
    found = tables()
    prices = found["prices"]
    for entry in (found["gpus"], prices["dataflow"], *prices["services"].values()):
        assert entry["source"].startswith("https://") and int(entry["as_of"][:4]) >= 2025
