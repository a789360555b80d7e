#!/usr/bin/env bash
# One run on one machine, and never two of them at a time (docs/scheduling.md):
#
#   deploy/nightly.sh --input /srv/scans --output /srv/kie --skip_done
#
# All arguments go to run_pipeline.py, and its exit code comes back. Where nothing was started:
#   75  an earlier run still goes on (it holds the lock)
#   69  this machine lacks something: flock, Python, or a place for the lock
#
# BEAM_KIE_PYTHON  the Python to run with; .venv/bin/python of this checkout if it is not set
# BEAM_KIE_LOCK    the lock; ~/.local/state/beam-kie/nightly.lock if it is not set
set -uo pipefail

BUSY=75
UNAVAILABLE=69
home="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)"
python="${BEAM_KIE_PYTHON:-$home/.venv/bin/python}"

stop() {
    echo "nightly.sh: $2; nothing was started" >&2
    exit "$1"
}

command -v flock > /dev/null || stop "$UNAVAILABLE" "there is no flock: install util-linux"
command -v "$python" > /dev/null || stop "$UNAVAILABLE" "there is no $python: run make, or set BEAM_KIE_PYTHON"
lock="${BEAM_KIE_LOCK:-${XDG_STATE_HOME:-${HOME:?}/.local/state}/beam-kie/nightly.lock}"
if ! { mkdir -p "$(dirname "$lock")" && exec 9>> "$lock"; }; then
    stop "$UNAVAILABLE" "cannot open the lock $lock"
fi
flock --exclusive --nonblock 9 || stop "$BUSY" "another run holds $lock"

# The run takes this process over, and the open lock with it: signals reach it, and however it ends (kill -9, too),
# the lock is free again.
exec "$python" "$home/run_pipeline.py" "$@"
