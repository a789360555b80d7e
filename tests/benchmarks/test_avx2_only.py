import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import avx2_only

SCRIPT = Path(avx2_only.__file__)
INSTRUCTIONS = (
    "from numpy._core._multiarray_umath import __cpu_features__ as known\n"
    "print(known['AVX2'], known['AVX512F'])"
)

needs_cpuid_faults = pytest.mark.skipif(
    avx2_only.what_is_missing() is not None, reason=str(avx2_only.what_is_missing())
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *command], capture_output=True, text=True, timeout=60)


@needs_cpuid_faults
def test_newer_instructions_are_hidden_from_a_command_and_from_what_it_starts():
    start_another = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {INSTRUCTIONS!r}])"
    for program in (INSTRUCTIONS, start_another):
        done = run(sys.executable, "-c", program)
        assert (done.returncode, done.stdout.split()) == (0, ["True", "False"]), done.stderr


@needs_cpuid_faults
def test_threads_see_the_same():
    done = run(
        sys.executable,
        "-c",
        f"import threading; threading.Thread(target=exec, args=({INSTRUCTIONS!r},)).start()",
    )
    assert done.stdout.split() == ["True", "False"], done.stderr


@needs_cpuid_faults
def test_exit_code_is_that_of_the_command_also_after_a_crash():
    assert run(sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    crash = run(sys.executable, "-c", "import ctypes; ctypes.string_at(0)")
    assert crash.returncode == 128 + signal.SIGSEGV


@needs_cpuid_faults
def test_handlers_of_the_command_get_their_signal():
    crash = run(sys.executable, "-X", "faulthandler", "-c", "import ctypes; ctypes.string_at(0)")
    assert "Segmentation fault" in crash.stderr


@needs_cpuid_faults
def test_unknown_command_is_said_in_one_line():
    done = run("no-such-command")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


@needs_cpuid_faults
def test_library_of_the_user_stays_loaded(monkeypatch, tmp_path):
    (tmp_path / "own.c").write_text("int own;\n")
    monkeypatch.setattr(avx2_only, "_SOURCE", tmp_path / "own.c")
    own = avx2_only.compile_library(tmp_path).rename(tmp_path / "own.so")
    monkeypatch.setenv("LD_PRELOAD", str(own))
    done = run(sys.executable, "-c", "print(open('/proc/self/maps').read())")
    assert "own.so" in done.stdout and "avx2_only.so" in done.stdout, done.stderr


@needs_cpuid_faults
def test_instructions_stay_hidden_where_a_program_sets_a_handler_with_signal():
    done = run(sys.executable, "-c", f"import ctypes; ctypes.CDLL(None).signal(11, 0)\n{INSTRUCTIONS}")
    assert (done.returncode, done.stdout.split()) == (0, ["True", "False"]), done.stderr


def test_what_cannot_be_done_is_said_in_one_line(monkeypatch, capsys, tmp_path):
    cpus = tmp_path / "cpuinfo"
    cpus.write_text("flags : fpu avx2\n")
    monkeypatch.setattr(avx2_only, "_CPUS", cpus)
    assert avx2_only.main(["true"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
