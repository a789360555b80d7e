"""What weights are made of, from the settings, the folder to begin from and the members of an average."""

from pathlib import Path

import pytest

from beam_kie.labelled.sources import LabelledSource
from beam_kie.training.planning.plan import Plan
from beam_kie.training.planning.sources import SourcePages
from beam_kie.training.reports.provenance import Data, Provenance, joined, of_folder, of_run, read
from beam_kie.training.settings import Settings
from model_store import BUNDLED
from model_store.model_card import LAYOUTXLM_LICENCE, write_card
from model_store.model_card import Provenance as ImportProvenance
from tests.small_networks import character_tokenizer, save_model, small_config, small_network


def run(start=None, **source):
    settings = Settings(output="x", start_from=start and str(start))
    pages = SourcePages(LabelledSource("work/labels.txt", **source), [], [])
    return of_run(Plan(settings, small_config(), character_tokenizer(), (pages,)))


def test_a_run_names_its_pages_with_their_licence():
    assert run() == Provenance((Data("0 labelled pages (work/labels)"),), own=True)
    stated = run(licence="CC BY 4.0", description="our forms")
    assert (stated.data, stated.own) == ((Data("our forms", "CC BY 4.0"),), False)


def test_what_begins_from_imported_weights_has_their_licence(tmp_path):
    folder = save_model(tmp_path / "start", small_network())
    write_card(folder, small_config(), ImportProvenance("hub", "Hugging Face", {}))
    assert run(folder).licences == [LAYOUTXLM_LICENCE]
    run(folder).write(folder)  # as training does, which may be gone on from
    (folder / "model_card.md").unlink()
    assert run(folder).licences == [LAYOUTXLM_LICENCE] and run(folder).own


def test_what_begins_from_the_bundled_model_is_not_for_commerce():
    assert {"CC BY-NC-SA 4.0", "non-commercial research and education"} <= set(run(BUNDLED).licences)


def test_weights_of_unknown_origin_are_said_to_be_so(tmp_path):
    assert "unknown" in of_folder(save_model(tmp_path / "start", small_network())).licences[0]


def test_what_is_joined_has_every_part_once(tmp_path):
    one, other = Provenance((Data("a", "L"), Data("b"))), Provenance((Data("b"), Data("c")), own=True)
    both = joined([one, other])
    assert both == Provenance((Data("a", "L"), Data("b"), Data("c")), own=True)
    both.write(tmp_path)
    assert read(tmp_path) == both


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"data": [1], "own": 1, "settings": null}'])
def test_a_damaged_file_is_none(tmp_path, text):
    (tmp_path / "provenance.json").write_text(text)
    assert read(tmp_path) is None and read(Path("nowhere")) is None
