import pytest

from beam_kie.devices import processors


def _cpuinfo(vendor: str, flags: str) -> str:
    return f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags} avx512f\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("facts", "slow"),
    [
        (_cpuinfo("GenuineIntel", "avx512_bf16 avx512_fp16"), True),
        (_cpuinfo("GenuineIntel", "avx512_bf16 avx512_fp16 amx_bf16 amx_tile"), False),
        (_cpuinfo("GenuineIntel", "avx512_bf16"), False),  # of an earlier generation, not measured
        (_cpuinfo("AuthenticAMD", "avx512_bf16 avx512_fp16"), False),
        ("arm", False),
        ("", False),
    ],
)
def test_intel_that_hides_amx_is_slow_at_bfloat16(facts, slow):
    assert processors.slow_at_bfloat16(facts) == slow


def test_this_machine_is_looked_at_where_linux_tells(monkeypatch, tmp_path):
    asked = processors.is_slow_at_bfloat16.__wrapped__
    (tmp_path / "cpuinfo").write_text(_cpuinfo("GenuineIntel", "avx512_bf16 avx512_fp16"))
    monkeypatch.setattr(processors, "_LINUX_CPUS", tmp_path / "cpuinfo")
    assert asked()
    monkeypatch.setattr(processors, "_LINUX_CPUS", tmp_path / "none")
    assert not asked()
