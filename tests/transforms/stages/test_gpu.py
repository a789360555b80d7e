import json

import apache_beam as beam
import pytest
import torch
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image

from beam_kie.document import Category, FailedPage, Failure, PageText, Stage
from beam_kie.ocr import OcrOptions
from tests.small_networks import form
from transforms.config import JobConfig
from transforms.machines.types import gpu_types
from transforms.pipeline import build
from transforms.stages.gpu import (
    GpuMissingError,
    is_accelerator,
    on_model_workers,
    require_gpu,
    resource_hints,
    service_option,
)
from transforms.stages.kie import FindEntities, KieModelHandler


def config(**changes):
    return JobConfig(output="out", run_id="test", **{"gpu_type": "nvidia-l4", **changes})


SEPARATE = {"gpu_stage": "separate", "gpu_machine_type": "g2-standard-8"}


def test_every_worker_gets_gpus_by_a_service_option():
    assert service_option(config()) == "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx"
    assert ";count:2;" in service_option(config(gpu_count=2))
    assert resource_hints(config()) == {}


def test_the_model_s_step_gets_gpus_by_a_hint():
    accelerator = "type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver:5xx"
    assert resource_hints(config(**SEPARATE)) == {"accelerator": accelerator}
    assert resource_hints(config(**SEPARATE, gpu_min_ram_gb=30))["min_ram"] == "30GB"
    assert resource_hints(config(gpu_type=None, gpu_stage="separate")) == {}


@pytest.mark.parametrize("gpu_type", gpu_types())
def test_what_we_ask_for_has_the_form_that_we_demand_of_others(gpu_type):
    assert is_accelerator(service_option(config(gpu_type=gpu_type)).partition("=")[2])
    assert is_accelerator(resource_hints(config(**{**SEPARATE, "gpu_type": gpu_type}))["accelerator"])


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("type:nvidia-tesla-t4;count:1;install-nvidia-driver", True),
        ("type:nvidia-tesla-t4;count:1;install-nvidia-driver:535.104.05", True),
        ("type:nvidia-l4;count:1;install-nvidia-driver:5xx;use_nvidia_mps", True),
        ("type:nvidia-tesla-t4;count:1", False),
        ("type=nvidia-tesla-t4;count=1;install-nvidia-driver", False),
        ("type:nvidia-tesla-t4,count:1,install-nvidia-driver", False),
        ("type:nvidia-tesla-t4;count:0;install-nvidia-driver", False),
        ("nvidia-tesla-t4", False),
    ],
)
def test_accelerators_in_dataflow_s_words(text, good):
    assert is_accelerator(text) is good


def test_fused_is_the_step_itself():
    step = beam.Map(str)
    assert on_model_workers(step, config()) is step


def broken_page() -> FailedPage:
    page = PageText("document", "memory://scan", 9, 100, 200)
    failure = Failure(page.document_id, page.uri, 9, Stage.OCR, Category.OCR_FAILED, "It broke.")
    return FailedPage(failure, page)


def test_separate_finds_what_fused_finds(small_model, tmp_path):
    pages = [form(0), form(1), form(2), broken_page()]
    settings = JobConfig(
        output=str(tmp_path),
        run_id="test",
        model=small_model,
        device="cpu",
        dtype="float32",
        batch_tokens=512,
    )
    found = [
        item
        for item in KieModelHandler(settings).run_inference(pages, KieModelHandler(settings).load_model())
        if not hasattr(item, "seconds")
    ]
    assert any(item.entities for item in found[:3])
    separate = JobConfig(
        **{name: getattr(settings, name) for name in settings.__slots__} | {"gpu_stage": "separate"}
    )
    with beam.Pipeline("FnApiRunner", options=PipelineOptions([])) as pipeline:
        outcomes = pipeline | beam.Create(pages) | FindEntities(separate)
        assert_that(outcomes.results | beam.Map(_bare), equal_to([_bare(item) for item in found[:3]]))
        assert_that(outcomes.failed_pages, equal_to([pages[3]]), label="failed")


def _bare(result):
    """What was found, rounded: batches of other pages change the last digits of confidences."""
    return (
        result.page,
        [(e.label, e.text) for e in result.entities],
        [(r.head, r.tail) for r in result.relations],
    )


def test_separate_writes_the_files_that_fused_writes(small_model, tmp_path):
    """Text, previews and failures cross the shuffle and come back: the same bytes, pictures included."""
    scans = tmp_path / "scans"
    scans.mkdir()
    lines = [{"text": text, "box": [10, 20, 150, 40], "confidence": 0.9} for text in ("Name: Li Lei", "Date")]
    given = []
    for number in range(3):
        Image.new("RGB", (300, 200), (200, 200, number)).save(scans / f"{number}.png")
        given.append({"uri": str(scans / f"{number}.png"), "page": 1, "lines": lines})
    (scans / "broken.png").write_bytes(b"no picture")
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(page) + "\n" for page in given[:2]))
    written = {}
    for stage in ("fused", "separate"):
        settings = JobConfig(
            output=str(tmp_path / stage),
            run_id="test",
            input=(f"{scans}/**",),
            gpu_stage=stage,
            num_shards=2,
            ocr=OcrOptions(engine="none"),
            ocr_lines=str(tmp_path / "lines.jsonl"),
            model=small_model,
            device="cpu",
            dtype="float32",
        )
        pipeline = beam.Pipeline("FnApiRunner", options=PipelineOptions([]))
        build(pipeline, settings)
        pipeline.run()
        files = [path for path in (tmp_path / stage).rglob("*") if path.is_file()]
        written[stage] = {str(path.relative_to(tmp_path / stage)): path.read_bytes() for path in files}
        assert json.loads(written[stage].pop("runs/run_id=test/summary.json"))["documents"]["success"] == 2
    assert sum(name.endswith(".jpg") for name in written["fused"]) == 3, (
        "the page without lines has a picture too"
    )
    assert written["separate"] == written["fused"]


def test_worker_without_its_gpu_says_whose_fault_it_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(GpuMissingError, match=r"built for CPUs only\. Take the image .* VARIANT=cuda"):
        require_gpu("cuda")
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    with pytest.raises(
        GpuMissingError, match=r"no GPU with a driver for CUDA 12\.6\. Ask for one with --gpu_type"
    ):
        require_gpu("cuda")
    require_gpu("auto")
    require_gpu("cpu")


def test_worker_with_its_gpu_says_which(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA L4")
    with caplog.at_level("INFO"):
        require_gpu("cuda")
    assert "GPU: NVIDIA L4" in caplog.text


def test_missing_gpu_ends_the_run_before_a_page_is_worked_on(small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    settings = JobConfig(output=str(tmp_path), run_id="test", model=small_model, device="cuda")
    pipeline = beam.Pipeline("FnApiRunner", options=PipelineOptions([]))
    _ = pipeline | beam.Create([form(0)]) | RunInference(KieModelHandler(settings))
    with pytest.raises(Exception, match="this worker has no GPU to work with"):
        pipeline.run()
