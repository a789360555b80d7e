"""Reading starts early: a process that reads pages loads its models while the run is still set up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from apache_beam.options.pipeline_options import DirectOptions

from transforms.launch.checks import Job
from transforms.launch.runners import IN_PROCESS
from transforms.stages.children import pool as pools
from transforms.stages.children.pool import Pool
from transforms.stages.isolated_reading import isolates_pages, pool_arguments


@contextmanager
def models_are_loaded(job: Job) -> Iterator[None]:
    """Inside, the first process that reads pages is there, where the run has such processes of this one.

    Importing PyTorch and building the graph take this process seconds, in which another core has nothing to
    do. What is wrong with the job is told by those who look for it: here it is no error.

    Args:
        job: the checked job, before its graph is built.
    """
    pool = None
    with suppress(ValueError, OSError):
        pool = _started(job)
    try:
        yield
    finally:
        if pool is not None:
            pools.release(pool)


def _started(job: Job) -> Pool | None:
    mode = job.options.view_as(DirectOptions).direct_running_mode
    if job.runner != IN_PROCESS or mode == "multi_processing" or not isolates_pages(job.config):
        return None
    from transforms.runs.provenance import model_card

    pictures = model_card(job.config.model, job.config.re_model).pictures
    return pools.acquire(*pool_arguments(job.config, pictures))
