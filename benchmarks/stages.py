"""CPU seconds a page by stage, with one worker, so that all CPU time of the process is the stage's.

    python benchmarks/stages.py --input FOLDER --few FOLDER --output FOLDER [JOB FLAGS]

The job runs three times in this process: to warm up, on the few scans of ``--few``, and on all; what a run
costs besides its pages (its graph, its files) is taken off. Threads of OCR engines count, loading of models
does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# Stages are timed in CPU time of this process, so no page may be read in another one.
ONE_WORKER = ["--direct_num_workers=1", "--ocr_threads=1", "--page_isolation=off", "--log_level=ERROR"]
REST = "rest"
"""Everything but the stages: Beam, rows and tables."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--input", required=True, help="folder of scans")
    parser.add_argument("--few", required=True, help="folder of some of them")
    parser.add_argument("--output", required=True, help="folder for what the job writes")
    arguments, job_flags = parser.parse_known_args()
    print(json.dumps(measure(arguments.few, arguments.input, arguments.output, job_flags)))
    return 0


def measure(few: str, scans: str, output: str, job_flags: list[str]) -> dict[str, float]:
    """CPU seconds a page by stage; ``REST`` is what no stage accounts for."""
    run(few, f"{output}/warm", job_flags)
    first = run(few, f"{output}/few", job_flags)
    second = run(scans, f"{output}/all", job_flags)
    stages = {name: seconds / second["pages"] for name, seconds in second["stages"].items()}
    rest = (second["rest"] - first["rest"]) / (second["pages"] - first["pages"])
    stages[REST] = max(0.0, rest)
    return {name: round(seconds, 4) for name, seconds in stages.items()}


def run(scans: str, output: str, job_flags: list[str]) -> dict[str, Any]:
    """Pages, CPU seconds by stage and those of no stage."""
    import apache_beam as beam

    from transforms.launch.arguments import parse_arguments
    from transforms.launch.checks import prepare_job
    from transforms.pipeline import build
    from transforms.runs.paths import summary_path

    argv = ["--input", scans, "--output", output, "--run_id=stages", *ONE_WORKER, *job_flags]
    job = prepare_job(*parse_arguments(argv))
    with stages_in_cpu_time() as loading:
        pipeline = beam.Pipeline(options=job.options)
        build(pipeline, job.config)
        started = time.process_time()
        pipeline.run().wait_until_finish()
        cpu = time.process_time() - started
    summary = json.loads(Path(summary_path(output, "stages")).read_text("utf-8"))
    stages = {name: stage["seconds"] for name, stage in summary["stage_times"].items()}
    pages = summary["pages"]["ok"] + summary["pages"]["failed"]
    return {"pages": pages, "stages": stages, "rest": cpu - sum(loading) - sum(stages.values())}


@contextmanager
def stages_in_cpu_time() -> Iterator[list[float]]:
    """Inside, stage times are CPU times of the process; yields what loading the models took."""
    from transforms.metrics import StageTimer
    from transforms.stages.kie import KieModelHandler
    from transforms.stages.ocr import OcrModelHandler

    loading: list[float] = []

    def timed(load):
        def load_and_measure(handler):
            started = time.process_time()
            model = load(handler)
            loading.append(time.process_time() - started)
            return model

        return load_and_measure

    handlers = (OcrModelHandler, KieModelHandler)
    before = [handler.load_model for handler in handlers]
    wall_clock = StageTimer.clock
    StageTimer.clock = staticmethod(time.process_time)
    for handler, load in zip(handlers, before, strict=True):
        handler.load_model = timed(load)
    try:
        yield loading
    finally:
        StageTimer.clock = staticmethod(wall_clock)
        for handler, load in zip(handlers, before, strict=True):
            handler.load_model = load


if __name__ == "__main__":
    sys.exit(main())
