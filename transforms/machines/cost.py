"""What a run on Dataflow costs and how long it takes: ``beam-kie cost``.

The sum is that of docs/dataflow.md: a worker with ``C`` cores reads ``C / S`` pages a second, where ``S`` is
the CPU time of a page in seconds. ``S`` comes from a finished run (``--output``) or is given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from beam_kie.document import DocumentError
from beam_kie.program import add_version, program_name
from beam_kie.tables.text_table import text_table
from transforms.machines.types import gpu_types, size_of, tables, what_is_wrong
from transforms.runs.finished_runs import UnreadableRunError, find_summary, newest_run
from transforms.storage.files import TIMEOUT_S
from transforms.storage.uris import absolute_uri

CPU_SECONDS = 1.07
"""CPU time of a page with the default options: full-resolution Chinese scans on an AMD EPYC with AVX-512
(docs/performance.md)."""

MODEL_STAGE = "model"


@dataclass(frozen=True)
class Prices:
    """Dollars an hour: of a core, a GB of memory, a GB of disk, and a GPU (0 where a worker has none)."""

    core: float
    memory_gb: float
    disk_gb: float
    gpu: float = 0.0


@dataclass(frozen=True)
class Worker:
    """A worker of the job: ``cores``, ``memory_gb``, ``disk_gb`` and ``gpus``."""

    cores: int
    memory_gb: float
    disk_gb: int
    gpus: int = 0

    def price(self, prices: Prices) -> float:
        """Dollars an hour.

        Args:
            prices: Of its parts.
        """
        parts = self.cores * prices.core + self.memory_gb * prices.memory_gb + self.disk_gb * prices.disk_gb
        return parts + self.gpus * prices.gpu


@dataclass(frozen=True)
class Estimate:
    """What a run costs.

    Attributes:
        pages_a_second: Of one worker.
        dollars: Of all pages, the start of the workers included.
        hours: From the first page to the last.
        workers: How many work side by side.
        pages_a_dollar: Pages by dollars.
    """

    pages_a_second: float
    dollars: float
    hours: float
    workers: int

    pages_a_dollar: float


def estimate(
    pages: int,
    seconds_a_page: float,
    worker: Worker,
    prices: Prices,
    *,
    hours: float,
    start_minutes: float = 5.0,
) -> Estimate:
    """What a run costs that is to be done in a given time.

    Args:
        pages: How many, at least 1.
        seconds_a_page: CPU time of a page on one core, over 0.
        worker: Each of the workers.
        prices: Of its parts.
        hours: The time that the run may take, over 0.
        start_minutes: What a worker is paid for before its first page: the image, the model.

    Returns:
        The cost with the fewest workers that are done in time.
    """
    pages_a_second = worker.cores / seconds_a_page
    workers = max(1, ceil(pages / pages_a_second / 3600 / hours))
    working_hours = pages / pages_a_second / 3600 / workers
    dollars = workers * (working_hours + start_minutes / 60) * worker.price(prices)
    return Estimate(pages_a_second, dollars, working_hours, workers, pages / dollars)


def service_dollars(pages: int, service: Mapping[str, Any]) -> float:
    """What a service charges for pages of one month.

    Args:
        pages: How many.
        service: Its entry in ``machines.toml``: dollars for 1,000 pages.

    Returns:
        Dollars.
    """
    first = min(pages, 1_000_000)
    return (first * service["first_million"] + (pages - first) * service["beyond"]) / 1000


def seconds_of(summary: Mapping[str, Any]) -> tuple[float, float]:
    """The time of a page in a finished run.

    Args:
        summary: The run's ``summary.json``.

    Returns:
        Seconds of a page in all stages together, and in the model alone.

    Raises:
        ValueError: The run read no page.
    """
    pages = summary["pages"]["ok"]
    if not pages:
        raise ValueError(f"run {summary['run_id']} has read no page: --cpu_seconds gives the time of a page")
    times = {name: stage["seconds"] for name, stage in summary["stage_times"].items()}
    return sum(times.values()) / pages, times.get(MODEL_STAGE, 0.0) / pages


def main(argv: Sequence[str] | None = None) -> int:
    """Print what a run costs.

    Args:
        argv: Arguments without the program; those of the process where it is None.

    Returns:
        The exit code: 0, or 2 where an argument is wrong.
    """
    parser = argument_parser()
    arguments = parser.parse_args(argv)
    try:
        print(_report(arguments))
    except (ValueError, FileNotFoundError, DocumentError, UnreadableRunError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    return 0


def argument_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog=program_name("python -m transforms.machines.cost", "cost"),
        description="What a run on Dataflow costs, from the CPU time of a page, and what services charge.",
    )
    prices = tables()["prices"]["dataflow"]
    add_version(parser)
    parser.add_argument(
        "--pages",
        type=_over_0(int),
        default=1_000_000,
        metavar="N",
        help="pages to read (default: 1,000,000)",
    )
    parser.add_argument(
        "--hours", type=_over_0(float), default=8.0, help="time that the run may take (default: 8)"
    )
    parser.add_argument(
        "--output", help="output of a finished run on such a machine: the time of a page is taken from it"
    )
    parser.add_argument("--run_id", help="the run in --output (default: the one that finished last)")
    parser.add_argument(
        "--cpu_seconds", type=_over_0(float), metavar="S",
        help=f"CPU time of a page, if there is no run to take it from (default: {CPU_SECONDS}, measured: "
        "docs/performance.md)",
    )  # fmt: skip
    parser.add_argument(
        "--machine_type", default="n2-standard-4", help="of the workers (default: n2-standard-4)"
    )
    parser.add_argument(
        "--memory_gb", type=_over_0(float), help="memory of a worker, for machine types that are not known"
    )
    parser.add_argument("--disk_gb", type=_over_0(int), default=50, help="disk of a worker (default: 50)")
    parser.add_argument("--gpu_type", choices=gpu_types(), metavar="TYPE", help="a GPU for every worker")
    parser.add_argument("--gpu_count", type=_over_0(int), default=1, help="GPUs of a worker (default: 1)")
    parser.add_argument(
        "--on_gpu_seconds", type=_over_0(float), metavar="S",
        help="the part of the time of a page that a GPU takes over (default: the model's, from --output)",
    )  # fmt: skip
    parser.add_argument(
        "--start_minutes", type=float, default=5.0, help="paid before a worker's first page (default: 5)"
    )
    for flag, unit, price in (
        ("core", "core", prices["core"]),
        ("memory_gb", "GB of memory", prices["memory_gb"]),
        ("disk_gb", "GB of disk", prices["disk_gb"]),
    ):
        parser.add_argument(
            f"--{flag}_hour", type=float, default=price, metavar="DOLLARS",
            help=f"price of a {unit} for an hour (default: {price})",
        )  # fmt: skip
    parser.add_argument(
        "--gpu_hour", type=float, metavar="DOLLARS", help="price of a GPU for an hour (default: a table's)"
    )
    return parser


def _over_0(kind: type[int] | type[float]) -> Any:
    def number(text: str) -> float:
        value = kind(text.replace(",", "").replace("_", ""))
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"must be over 0, not {text}")
        return value

    return number


def _report(arguments: argparse.Namespace) -> str:
    seconds, on_gpu, source = _seconds(arguments)
    worker, prices = _worker(arguments), _prices(arguments)
    if worker.gpus:
        if on_gpu is None:
            raise ValueError("--gpu_type needs --output or --on_gpu_seconds: what the GPU takes over")
        if on_gpu >= seconds:
            raise ValueError(f"--on_gpu_seconds: must be less than the {seconds:.2f} s of a page")
        seconds -= on_gpu
    found = estimate(
        arguments.pages, seconds, worker, prices, hours=arguments.hours, start_minutes=arguments.start_minutes
    )
    gpu = f" with {worker.gpus} {arguments.gpu_type}" if worker.gpus else ""
    head = [
        f"{seconds:.2f} CPU seconds a page ({source})",
        f"{arguments.machine_type}{gpu}: {worker.price(prices):.3f} $ an hour, "
        f"{found.pages_a_second:.2f} pages/s, {found.pages_a_dollar:,.0f} pages a dollar",
        f"{arguments.pages:,} pages: {found.workers} workers, {found.hours:.1f} hours, "
        f"{found.dollars:,.0f} $",
    ]
    rows = [
        ["beam-kie on Dataflow", f"{found.dollars:,.0f}", f"{1000 * found.dollars / arguments.pages:.3f}"]
    ]
    table = tables()["prices"]
    for service in table["services"].values():
        dollars = service_dollars(arguments.pages, service)
        rows.append([service["name"], f"{dollars:,.0f}", f"{1000 * dollars / arguments.pages:.3f}"])
    sources = [table["dataflow"], *table["services"].values()]
    notes = [f"  {each['source']} ({each['as_of']})" for each in sources]
    shown = text_table(["", "$", "$ for 1,000 pages"], rows)
    prices_note = "List prices, us-central1, without discounts; they change, so look them up:"
    return "\n".join([*head, "", shown, "", prices_note, *notes])


def _seconds(arguments: argparse.Namespace) -> tuple[float, float | None, str]:
    """CPU time of a page, what a GPU takes over of it, and where the first figure is from."""
    if arguments.output is None:
        if arguments.run_id:
            raise ValueError("--run_id needs --output")
        source = "given" if arguments.cpu_seconds else "measured, see docs/performance.md"
        return arguments.cpu_seconds or CPU_SECONDS, arguments.on_gpu_seconds, source
    if arguments.cpu_seconds:
        raise ValueError("--cpu_seconds and --output both give the time of a page: leave out one of them")
    output = absolute_uri(arguments.output).rstrip("/") or "/"
    run_id = arguments.run_id or newest_run(output)
    summary = find_summary(output, run_id, TIMEOUT_S)
    if summary is None:
        raise FileNotFoundError(f"{output!r} holds no finished run {run_id}")
    seconds, model = seconds_of(summary)
    return seconds, arguments.on_gpu_seconds or model, f"run {run_id}, {summary['pages']['ok']:,} pages"


def _worker(arguments: argparse.Namespace) -> Worker:
    try:
        cores, memory = size_of(arguments.machine_type)
    except ValueError as error:
        raise ValueError(f"--machine_type: {error}") from None
    gpus = arguments.gpu_count if arguments.gpu_type else 0
    problem = what_is_wrong(arguments.gpu_type, gpus, arguments.machine_type) if gpus else None
    if problem:
        raise ValueError(f"--machine_type: {problem}")
    return Worker(cores, arguments.memory_gb or memory, arguments.disk_gb, gpus)


def _prices(arguments: argparse.Namespace) -> Prices:
    gpu = arguments.gpu_hour
    if arguments.gpu_type and gpu is None:
        gpu = tables()["prices"]["dataflow"]["gpu"].get(arguments.gpu_type)
        if gpu is None:
            raise ValueError(f"the price of {arguments.gpu_type} is not known: give it with --gpu_hour")
    return Prices(arguments.core_hour, arguments.memory_gb_hour, arguments.disk_gb_hour, gpu or 0.0)


if __name__ == "__main__":
    sys.exit(main())
