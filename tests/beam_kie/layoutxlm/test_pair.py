import pytest

from beam_kie.layoutxlm.folders import ModelError
from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.pair import KiePair, load_kie
from tests.small_networks import (
    BUNDLED_KIND,
    PUBLISHED_KIND,
    VISUAL_KIND,
    character_tokenizer,
    form,
    noise_thumbnail,
    save_model,
    small_network,
)

RELATING = {**PUBLISHED_KIND, "token_classifier": False, "name": "relating"}


def model(seed=1, **kind):
    return KieModel(small_network(seed, **kind), character_tokenizer())


def pages():
    return [form(6, number=1, seed=1), form(3, number=2, seed=2)]


def test_entities_come_from_the_first_and_relations_from_the_second():
    ser, re = model(name="finding"), model(seed=2, **RELATING)
    pair = KiePair(ser, re)
    results = pair.predict(pages())
    assert [list(result.entities) for result in results] == ser.find_entities(pages())
    assert results == re.relate(pages(), [result.entities for result in results])
    assert any(result.relations for result in results)
    assert pair.relate(pages(), ser.find_entities(pages())) == results
    assert pair.token_predictions(pages()) == ser.token_predictions(pages())
    assert pair.count_tokens(pages()[0]) == ser.count_tokens(pages()[0])


def test_a_pair_is_described_by_both():
    ser, re = model(name="finding"), model(seed=2, **RELATING)
    pair = KiePair(ser, re)
    assert pair.name == "finding+relating"
    assert pair.revision == "unsaved+unsaved"
    assert pair.labels == ser.labels
    assert pair.config == re.config
    assert pair.size_bytes == ser.size_bytes + re.size_bytes
    assert pair.device == ser.device


def test_relations_that_the_first_model_finds_too_are_not_asked_for():
    ser, re = model(**BUNDLED_KIND), model(seed=2, **RELATING)
    asked = []
    ser.network.relations.register_forward_hook(lambda *_: asked.append(1))
    KiePair(ser, re).predict(pages())
    assert not asked


def test_pictures_are_needed_where_either_model_needs_them():
    with_pictures = model(seed=1, **{**VISUAL_KIND, "token_classifier": False})
    assert KiePair(model(), with_pictures).pictures == "hf"
    assert KiePair(model(), model(**RELATING)).pictures is None
    seeing = [form(4, seed=3, picture=noise_thumbnail())]
    assert KiePair(model(), with_pictures).predict(seeing)[0].entities


def test_models_that_do_not_fit_are_refused():
    with pytest.raises(ModelError, match="no entities"):
        KiePair(model(**RELATING), model(**RELATING))
    with pytest.raises(ModelError, match="no relations"):
        KiePair(model(), model(name="finding"))
    labels = {"labels": ("SHIPPER", "WEIGHT"), "head_labels": ("SHIPPER",), "tail_labels": ("WEIGHT",)}
    with pytest.raises(ModelError, match="relates ANSWER, QUESTION, but model small finds SHIPPER, WEIGHT"):
        KiePair(model(**labels), model(**RELATING))
    with pytest.raises(ModelError, match="different ways"):
        KiePair(model(**VISUAL_KIND), model(**VISUAL_KIND, image_normalisation="paddleocr"))


def test_folders_are_loaded_as_one_model_or_as_a_pair(tmp_path):
    joint = save_model(tmp_path / "joint", small_network(**BUNDLED_KIND))
    relating = save_model(tmp_path / "relating", small_network(2, **RELATING))
    options = {"device": "cpu", "dtype": "float32", "max_batch_tokens": 100}
    assert isinstance(load_kie(joint, **options), KieModel)
    with pytest.raises(ModelError, match="--re_model"):
        load_kie(relating, **options)
    assert isinstance(load_kie(joint, tmp_path / "relating" / ".." / "joint", **options), KieModel)
    pair = load_kie(joint, relating, **options)
    assert isinstance(pair, KiePair)
    assert pair.re.max_batch_tokens == 100
    assert pair.revision == f"{pair.ser.revision}+{pair.re.revision}"
    assert pair.ser.revision != pair.re.revision
