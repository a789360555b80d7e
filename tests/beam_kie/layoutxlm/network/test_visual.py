import pytest
import torch
from torch.nn import functional

from beam_kie.layoutxlm.network.visual import VisualBackbone, cell_boxes, normalise_images
from tests.small_networks import VISUAL_KIND, small_network


@pytest.fixture
def backbone() -> VisualBackbone:
    return small_network(**VISUAL_KIND).visual


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)


def plain(weights, values, groups=2, blocks=(1, 1, 2, 1)):
    """The same function step by step, with nothing merged or folded: features of the 49 cells."""

    def conv(name, values, stride=1, groups=1):
        kernel = weights[f"{name}.weight"]
        values = functional.conv2d(values, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        parts = [weights[f"{name}.norm.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(values, *parts, training=False, eps=1e-5)

    def output(name, values, padding=0):
        return functional.conv2d(values, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=padding)

    values = functional.max_pool2d(conv("backbone.bottom_up.stem.conv1", values, 2).relu(), 3, 2, 1)
    maps = []
    for stage, count in zip((2, 3, 4, 5), blocks, strict=True):
        for block in range(count):
            name, stride = f"backbone.bottom_up.res{stage}.{block}", 2 if stage > 2 and block == 0 else 1
            beside = conv(f"{name}.shortcut", values, stride) if block == 0 else values
            inner = conv(f"{name}.conv2", conv(f"{name}.conv1", values).relu(), stride, groups).relu()
            values = (conv(f"{name}.conv3", inner) + beside).relu()
        maps.append(values)
    merged = output("backbone.fpn_lateral5", maps[3])
    for stage in (4, 3, 2):
        twice = functional.interpolate(merged, scale_factor=2)
        merged = output(f"backbone.fpn_lateral{stage}", maps[stage - 2]) + twice
    p2 = output("backbone.fpn_output2", merged, padding=1)
    return functional.adaptive_avg_pool2d(p2, 7).flatten(2).transpose(1, 2)


@torch.no_grad()
def test_the_backbone_is_resnext_with_a_pyramid(backbone, images):
    wanted = plain(backbone.state_dict(), normalise_images(images, "hf"))
    found = backbone(images)
    assert found.shape == (2, 49, 6)
    assert wanted.std() > 0.1
    assert torch.allclose(found, wanted, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_folding_changes_nothing_and_twice_is_once(backbone, images):
    wanted = backbone(images)
    backbone.prepare(torch.float32)
    assert not any(name.endswith("running_mean") for name in backbone.state_dict())
    assert torch.allclose(backbone(images), wanted, atol=1e-4, rtol=1e-4)
    backbone.prepare(torch.float32)
    assert torch.allclose(backbone(images), wanted, atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["hf", "paddleocr"])
def test_bfloat16_is_near(kind, images):
    network = small_network(**VISUAL_KIND, image_normalisation=kind)
    wanted = network.visual(images)
    network.visual.prepare(torch.bfloat16)
    found = network.visual(images)
    assert found.dtype == torch.float32
    assert (found - wanted).abs().mean() < 0.03 * wanted.abs().mean()


def test_hugging_face_pictures_are_normalised_once_in_blue_green_red():
    pixel = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 1, 1, 3)
    values = normalise_images(pixel, "hf").flatten().tolist()
    assert values == pytest.approx([(50 - 103.53) / 57.375, (100 - 116.28) / 57.12, (200 - 123.675) / 58.395])


def test_paddleocr_pictures_are_normalised_twice_in_red_green_blue():
    pixel = torch.tensor([200, 100, 50], dtype=torch.uint8).view(1, 1, 1, 3)
    values = normalise_images(pixel, "paddleocr").flatten().tolist()
    once = [(200 - 123.675) / 58.395, (100 - 116.28) / 57.12, (50 - 103.53) / 57.375]
    wanted = [(once[0] - 103.53) / 57.375, (once[1] - 116.28) / 57.12, (once[2] - 123.675) / 58.395]
    assert values == pytest.approx(wanted)


def test_cells_cover_the_page_row_by_row():
    boxes = cell_boxes(7, 7).tolist()
    assert boxes[0] == [0, 0, 142, 142]
    assert boxes[1] == [142, 0, 285, 142]
    assert boxes[7] == [0, 142, 142, 285]
    assert boxes[48] == [857, 857, 1000, 1000]
