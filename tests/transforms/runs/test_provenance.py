import shutil
from pathlib import Path

import pytest

from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.pair import load_kie
from beam_kie.options import from_values
from beam_kie.tables.schema import Provenance
from tests.small_networks import PUBLISHED_KIND, VISUAL_KIND, save_model, small_network
from transforms.config import RESULT_OPTIONS, JobConfig
from transforms.runs.provenance import ModelCard, model_card, options_digest, provenance_of
from transforms.stages.ocr import open_engine

CARD = ModelCard(name="model", revision="0123456789ab", pictures=None)


def config(tmp_path, **changes):
    return from_values(JobConfig, {"output": str(tmp_path / "out"), "run_id": "test", **changes})


def test_a_card_says_what_the_loaded_model_says(small_model):
    model = KieModel.load(small_model, device="cpu")
    assert model_card(small_model) == ModelCard(model.name, model.revision, model.pictures)


def test_other_weights_are_another_revision(small_model, tmp_path):
    shutil.copytree(small_model, tmp_path / "copy")
    assert model_card(str(tmp_path / "copy")) == model_card(small_model)
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert model_card(str(tmp_path / "copy")).revision != model_card(small_model).revision


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_an_incomplete_model_is_refused(small_model, tmp_path, missing):
    shutil.copytree(small_model, tmp_path / "copy")
    Path(tmp_path / "copy" / missing).unlink()
    with pytest.raises(ValueError, match=missing):
        model_card(str(tmp_path / "copy"))


def test_two_models_are_named_both(small_model, tmp_path):
    folder = str(save_model(tmp_path / "relating", small_network(**PUBLISHED_KIND, name="relating")))
    pair = load_kie(small_model, folder, device="cpu")
    assert model_card(small_model, folder) == ModelCard(pair.name, pair.revision, pair.pictures)
    assert model_card(small_model, small_model) == model_card(small_model)


def test_keys_are_those_of_the_model_that_relates(small_model, tmp_path):
    assert model_card(small_model).key_labels == ("QUESTION",)
    own = {"labels": ("WEIGHT", "SHIPPER"), "head_labels": ("SHIPPER",), "tail_labels": ("WEIGHT",)}
    finding = str(save_model(tmp_path / "finding", small_network(**own)))
    relating = small_network(**{**own, "head_labels": ("WEIGHT",)}, relation_head="biaffine", name="relating")
    relating = str(save_model(tmp_path / "relating", relating))
    alone, pair = model_card(finding), model_card(finding, relating)
    assert alone.labels == pair.labels == ("WEIGHT", "SHIPPER")
    assert (alone.key_labels, pair.key_labels) == (("SHIPPER",), ("WEIGHT",))


def test_models_that_do_not_go_together_are_refused(small_model, tmp_path):
    relating = small_network(**{**VISUAL_KIND, "token_classifier": False}, name="relating")
    folder = str(save_model(tmp_path / "relating", relating))
    assert model_card(small_model, folder).pictures == "hf"
    with pytest.raises(ValueError, match="--re_model"):
        model_card(folder)
    finding = str(save_model(tmp_path / "finding", small_network()))
    with pytest.raises(ValueError, match="finds no relations"):
        model_card(small_model, finding)


@pytest.mark.parametrize("engine", ["rapidocr", "ppocr", "paddleocr"])
def test_rows_name_the_engine_that_workers_load(tmp_path, engine, request):
    if engine == "paddleocr":
        request.getfixturevalue("paddle_package")
    settings = config(tmp_path, ocr_engine=engine)
    loaded = open_engine(settings)
    assert loaded.name.startswith(engine)
    expected = Provenance(
        loaded.name, loaded.revision, CARD.name, CARD.revision, options_digest(settings, CARD)
    )
    assert provenance_of(settings, CARD) == expected


def test_the_launcher_needs_no_gpu(tmp_path):
    elsewhere = config(tmp_path, ocr_engine="ppocr", ocr_device="cuda")
    there = provenance_of(elsewhere, CARD)
    assert there.ocr_engine == "ppocr/PP-OCRv6-small"
    assert provenance_of(config(tmp_path, ocr_device="cuda"), CARD) == there
    on_cpu = config(tmp_path, ocr_engine="ppocr", ocr_device="cpu")
    assert provenance_of(config(tmp_path, ocr_device="cpu"), CARD) == provenance_of(on_cpu, CARD)


def test_no_engine_is_named_where_none_reads(tmp_path):
    settings = config(tmp_path, ocr_engine="none")
    assert provenance_of(settings, CARD) == Provenance(
        None, None, CARD.name, CARD.revision, options_digest(settings, CARD)
    )


def test_the_digest_changes_with_every_option_that_results_depend_on(tmp_path):
    given = [tmp_path / "lines.jsonl", tmp_path / "copy.jsonl", tmp_path / "others.jsonl"]
    for path, text in zip(given, ("a", "a", "b"), strict=True):
        path.write_text(text)
    lines, copy, others = map(str, given)
    changed = {
        **{"pdf_dpi": 300, "pdf_text_layer": "off", "ocr_engine": "none", "ocr_lines": lines},
        **{"ocr_max_side": 2000, "ocr_min_confidence": 0.1, "ocr_detect_rotation": False},
        **{"rapidocr_backend": "torch", "paddle_engine": "paddle", "dtype": "float32"},
        **{"overlays": "none", "overlay_max_side": 500, "infer_txt": True, "ocr_languages": "de"},
        **{"date_order": "dmy", "currency": "CAD", "fields": "invoice", "table_cells": True},
    }
    assert set(changed) == set(RESULT_OPTIONS)
    digests = [options_digest(config(tmp_path, **{name: value}), CARD) for name, value in changed.items()]
    plain = options_digest(config(tmp_path), CARD)
    assert len({plain, *digests}) == len(changed) + 1
    assert options_digest(config(tmp_path, max_pixels=1, device="cuda", num_shards=7), CARD) == plain
    # Of a file its content counts.
    of_lines = digests[list(changed).index("ocr_lines")]
    assert options_digest(config(tmp_path, ocr_lines=copy), CARD) == of_lines
    assert options_digest(config(tmp_path, ocr_lines=others), CARD) not in {plain, *digests}


def test_the_digest_changes_with_the_configuration_of_the_model(small_model, tmp_path):
    settings = config(tmp_path)
    shutil.copytree(small_model, tmp_path / "copy")
    before = options_digest(settings, model_card(str(tmp_path / "copy")))
    assert before == options_digest(settings, model_card(small_model))
    (tmp_path / "copy" / "model_card.md").write_text("no part of the model")
    assert options_digest(settings, model_card(str(tmp_path / "copy"))) == before
    path = tmp_path / "copy" / "config.json"
    path.write_text(path.read_text() + "\n")
    assert options_digest(settings, model_card(str(tmp_path / "copy"))) != before


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        ({"pdf_text_layer": "off", "ocr_engine": "rapidocr"}, "e848dff4c0f5acd3"),
        (
            {
                **{"pdf_dpi": 300, "pdf_text_layer": "always", "ocr_engine": "paddleocr"},
                **{"ocr_max_side": 960},
                **{"ocr_min_confidence": 0.25, "ocr_detect_rotation": False, "rapidocr_backend": "torch"},
                **{"paddle_engine": "paddle", "dtype": "float32", "overlays": "failures"},
                **{"overlay_max_side": 500, "infer_txt": True},
            },
            "d0d381dbf6c8430f",
        ),
    ],
)
def test_the_digest_of_the_same_options_stays_what_it_was(tmp_path, changes, digest):
    """Runs of older versions count as done only where it does."""
    card = ModelCard(name="model", revision="0123456789ab", pictures=None, settings="settings")
    assert options_digest(config(tmp_path, **changes), card) == digest
