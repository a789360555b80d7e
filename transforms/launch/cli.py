"""The command line: parse strictly, check, build, run, sum up.

Exit codes: 0 all is well; 1 the run failed, or more documents failed than ``--max_failure_ratio`` allows;
2 the command line asks for something impossible, and nothing was written; 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import apache_beam as beam
import grpc
from apache_beam.runners.runner import PipelineResult, PipelineState

from beam_kie.escaping import printable
from transforms.config import JobConfig
from transforms.launch import logs, report, scratch
from transforms.launch.arguments import PROGRAM, UsageError, launch_options, parse_arguments
from transforms.launch.checks import DATAFLOW, Job, prepare_job
from transforms.launch.early_reading import models_are_loaded
from transforms.launch.ending import end_at_once, ends_when_interrupted, ends_with_its_workers
from transforms.launch.engines import server_output, told_progress
from transforms.launch.graph_building import dofns_seen_once, options_parsed_once
from transforms.launch.input_counts import count_inputs
from transforms.launch.local_runner import no_timed_flush
from transforms.launch.options import LaunchOptions, LogFormat
from transforms.progress import ProgressLine
from transforms.runs import folders, locks, parts
from transforms.runs.clearing import clears_on_workers
from transforms.runs.finished_runs import UnreadableRunError, find_summary
from transforms.stages.importing import first_import, without_model_manager
from transforms.storage import files
from transforms.storage.uris import is_local

OK, FAILED, BAD_OPTIONS, INTERRUPTED = 0, 1, 2, 130

_LOGGER = logging.getLogger("beam_kie")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job that the command line asks for.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: ``OK``, ``FAILED``, ``BAD_OPTIONS`` or ``INTERRUPTED``.
    """
    try:
        namespace, options = parse_arguments(sys.argv[1:] if argv is None else argv)
        launch = launch_options(namespace)
        logs.set_up(launch.log_level, launch.log_format)
        logs.never_log_elements(options)
        job = prepare_job(namespace, options)
        ended = _end_of_what_is_done(job)
        if ended is not None:
            return ended
        if launch.validate_only:
            _graph_of(job)
            plan = report.plan(job.config, job.runner, count_inputs(job.config))
            print(printable(plan, keep="\n"))
            return OK
    except (UsageError, UnreadableRunError) as error:
        _complain(f"error: {error}")
        return BAD_OPTIONS
    except files.StorageError as error:
        _complain(f"nothing was written: {error}")
        return FAILED
    except SystemExit as stop:  # --help
        return int(stop.code or OK)
    except KeyboardInterrupt:
        _complain("interrupted before anything was written")
        return INTERRUPTED
    folder = scratch.scratch_folder(job.config.output, job.config.run_id, job.is_local)
    job = replace(job, config=replace(job.config, scratch=folder))
    try:
        with _ends_at_once(job):
            return _run(job, launch)
    except (UsageError, locks.RunTakenError) as error:
        _complain(f"error: {error}")
        return BAD_OPTIONS
    except Exception as error:
        _LOGGER.debug("run %s failed", job.config.run_id, exc_info=True)
        _complain(f"run {job.config.run_id} failed: {_last_line(error)}")
        print(_again(job), file=sys.stderr)
        return FAILED
    finally:
        if folder:
            scratch.remove(folder)


def _complain(message: str) -> None:
    """One line on stderr; names in it come from elsewhere."""
    print(f"{PROGRAM}: {printable(message)}", file=sys.stderr)


def _end_of_what_is_done(job: Job) -> int | None:
    """The exit code where the run is finished or has nothing to repeat, after a message; else None."""
    config = job.config
    if config.resume:
        summary = find_summary(config.output, config.run_id, config.storage_timeout_s)
        if summary is not None:
            print(f"Run {config.run_id} is finished already: nothing was done.")
            return _exit_code(summary, job)
    if config.retry_failures:
        before = find_summary(config.output, config.retry_failures, config.storage_timeout_s)
        # Summaries of older versions do not tell: an empty run will find it out.
        if before is not None and before["failures"].get("retryable") == 0:
            print(f"Nothing failed in run {config.retry_failures} that may succeed now: nothing was done.")
            return OK
    return None


def _graph_of(job: Job) -> beam.Pipeline:
    """The job's graph, not yet running.

    Raises:
        UsageError: a part of the job cannot be set up as the flags ask.
    """
    with first_import("transforms.pipeline"), without_model_manager():
        from transforms.pipeline import build  # a second that --help need not take

    try:
        with options_parsed_once():
            pipeline = beam.Pipeline(options=job.options)
            build(pipeline, job.config)
    except ValueError as error:
        raise UsageError(_last_line(error)) from error
    return pipeline


def _run(job: Job, launch: LaunchOptions) -> int:
    started = time.monotonic()
    job = _made_anew(job)
    config = job.config
    _let_worker_processes_import_us()
    with models_are_loaded(job), dofns_seen_once():
        pipeline = _graph_of(job)
        with locks.claimed(
            config.output, config.run_id, _replaced(config), config.storage_timeout_s
        ) as claim:
            return _run_claimed(job, launch, pipeline, started, claim)


def _made_anew(job: Job) -> Job:
    """The job, as with --overwrite where --resume finds work in object storage that it cannot go on with.

    The workers then delete it, and not the launcher.
    """
    config = job.config
    if not config.resume or is_local(config.output) or _goes_on(config):
        return job
    if not folders.work_exists(config.output, config.run_id, config.storage_timeout_s):
        return job
    return replace(job, config=replace(config, resume=False, overwrite=True))


def _goes_on(config: JobConfig) -> bool:
    """Whether --resume finds parts that were made with the same models and options."""
    from transforms.runs.provenance import model_card, provenance_of  # as above

    provenance = provenance_of(config, model_card(config.model, config.re_model))
    return parts.fits(parts.part_settings(config, provenance))


def _replaced(config: JobConfig) -> locks.Replace:
    """What of an earlier run of that name goes."""
    if clears_on_workers(config) or (config.resume and _goes_on(config)):
        return locks.Replace.TABLES
    return locks.Replace.ALL if config.overwrite or config.resume else locks.Replace.NOTHING


def _run_claimed(
    job: Job, launch: LaunchOptions, pipeline: beam.Pipeline, started: float, claim: locks.Claim
) -> int:
    """Run the graph, which no other process does now."""
    config = job.config
    scratch.remove_left_over(config.output)
    if config.scratch:
        scratch.make(config.scratch)
    _LOGGER.info("run %s on %s, writing to %s", config.run_id, job.runner, config.output)
    stream = logs.LogStream(_LOGGER) if launch.log_format is LogFormat.JSON else sys.stderr
    progress = ProgressLine(config.scratch, stream) if job.is_local and config.scratch else nullcontext()
    with no_timed_flush(), progress, _job_server_told():
        result = pipeline.run()
        if job.runner == DATAFLOW and not launch.wait:
            claim.goes_on = True
            print(printable(report.launched(config, _job_id(result)), keep="\n"))
            return OK
        with nullcontext() if job.is_local else told_progress(result):
            _wait(result, config)
    summary = report.read_summary(config)
    if config.review:
        _write_review(config)
    print(printable(report.table(summary, config, time.monotonic() - started), keep="\n"))
    return _exit_code(summary, job)


@contextmanager
def _job_server_told() -> Iterator[None]:
    """Inside, an error is followed by the last lines of the job server that was started for the run."""
    with server_output() as said:
        try:
            yield
        except Exception:
            if said.lines:
                print("The job server's last lines:", file=sys.stderr)
                for line in said.lines:
                    print(f"  {printable(line)}", file=sys.stderr)
            raise


def _wait(result: PipelineResult, config: JobConfig) -> None:
    """Wait for the end of the job; a run that failed only because of --max_failure_ratio is complete.

    Raises:
        Exception: The run failed, as its runner reports it.
    """
    try:
        state = result.wait_until_finish()
        if state != PipelineState.DONE:
            raise RuntimeError(f"the runner says {state}")
    except Exception:
        summary = find_summary(config.output, config.run_id, config.storage_timeout_s)
        if summary is None or report.failure_ratio(summary) <= config.max_failure_ratio:
            raise


def _write_review(config: JobConfig) -> None:
    """Write the review page; the run itself is complete without it."""
    from transforms.review import write_review

    try:
        write_review(config.output, config.run_id, config.storage_timeout_s)
    except Exception as error:
        again = f"python -m transforms.review {config.output} --run_id {config.run_id}"
        line = f"{PROGRAM}: no review page: {_last_line(error)}; try again: {again}"
        print(printable(line), file=sys.stderr)


def _job_id(result: PipelineResult) -> str | None:
    """The service's name of the job; None where only a template was made."""
    try:
        return cast(Any, result).job_id()  # only some runners' results have one
    except (AttributeError, TypeError):  # a result without a job
        return None


def _exit_code(summary: dict, job: Job) -> int:
    if not report.counts_add_up(summary):
        print(f"{PROGRAM}: documents were lost on the way: see documents in summary.json", file=sys.stderr)
        return FAILED
    ratio = report.failure_ratio(summary)
    if ratio <= job.config.max_failure_ratio:
        return OK
    print(
        f"{PROGRAM}: {ratio:.1%} of the documents failed; --max_failure_ratio allows "
        f"{job.config.max_failure_ratio:.1%}. The tables are complete: the table failures says why.",
        file=sys.stderr,
    )
    return FAILED


def _let_worker_processes_import_us() -> None:
    """Worker processes of a local run start as ``python -m``: they find modules on PYTHONPATH only."""
    root = str(Path(__file__).resolve().parents[2])
    known = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if root not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([root, *known])


@contextmanager
def _ends_at_once(job: Job) -> Iterator[None]:
    """Inside, the process ends with all that it started when it is interrupted, or loses a worker process."""

    def interrupted() -> None:
        goes_on = "" if job.is_local else f" What {job.runner} has begun may go on."
        end(f"was interrupted.{goes_on}", INTERRUPTED)

    def lost_worker(how: str) -> None:
        end(f"failed: a worker process ended before its work was done, {how}.", FAILED)

    def end(what: str, exit_code: int) -> None:
        text = f"{PROGRAM}: run {job.config.run_id} {what} {_again(job)}"
        end_at_once(text, exit_code, clear_up)

    def clear_up() -> None:
        if job.config.scratch:
            scratch.remove(job.config.scratch)
        locks.release(job.config.output, job.config.run_id)

    with ends_when_interrupted(interrupted), ends_with_its_workers(lost_worker):
        yield


def _again(job: Job) -> str:
    return (
        f"It has no summary and does not count as a finished run; --run_id {job.config.run_id} --resume "
        "goes on with it."
    )


def _last_line(error: Exception) -> str:
    """What an error says; a runner's error holds a worker's whole traceback, of which the end says most."""
    text = error.details() if isinstance(error, grpc.Call) else str(error)
    lines = [line for line in (text or "").splitlines() if line.strip()]
    return lines[-1].strip()[:500] if lines else type(error).__name__
