"""The visual backbone: a ResNeXt-FPN over a thumbnail of the page, in plain PyTorch.

After "Aggregated Residual Transformations for Deep Neural Networks" (arXiv 1611.05431) and "Feature
Pyramid Networks for Object Detection" (arXiv 1612.03144), with the names that detectron2 gives the
parameters. Only the finest map (p2) is made: nothing else reaches LayoutXLM.

Shapes: P pages, C channels of the pyramid, R x S cells of the pooled map.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from beam_kie.geometry import GRID
from beam_kie.layoutxlm.config import LayoutXLMConfig

NORM_EPS = 1e-5
BGR_MEAN, BGR_STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
RGB_MEAN, RGB_STD = BGR_MEAN[::-1], BGR_STD[::-1]
STAGES = (2, 3, 4, 5)


def normalise_images(images: Tensor, kind: str) -> Tensor:
    """Pictures as the backbone takes them: P x 3 x H x W float32.

    Args:
        images: P x H x W x 3 RGB in 0..255.
        kind: ``image_normalisation`` of the configuration: "hf" or "paddleocr".
    """
    values = images.permute(0, 3, 1, 2).float()
    if kind == "hf":
        return _standardised(values.flip(1), BGR_MEAN, BGR_STD)
    # PaddleOCR normalises in its pre-processing; the network then does so once more, and with the
    # constants of the other channel order. Its published weights were trained that way.
    return _standardised(_standardised(values, RGB_MEAN, RGB_STD), BGR_MEAN, BGR_STD)


def _standardised(values: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (values - values.new_tensor(mean)[:, None, None]) / values.new_tensor(std)[:, None, None]


def cell_boxes(rows: int, columns: int) -> Tensor:
    """The boxes of a grid's cells, row by row: (rows * columns) x 4 int64 on the 0..1000 grid.

    Args:
        rows: of the grid.
        columns: of the grid.
    """
    boxes = [
        (GRID * c // columns, GRID * r // rows, GRID * (c + 1) // columns, GRID * (r + 1) // rows)
        for r in range(rows)
        for c in range(columns)
    ]
    return torch.tensor(boxes)


class FrozenNorm(nn.Module):
    """Batch normalisation with its statistics as constants.

    Args:
        channels: their number.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int):
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """The normalisation as one product and one sum, C each."""
        scale = self.weight * (self.running_var + NORM_EPS).rsqrt()
        return scale, self.bias - self.running_mean * scale

    def forward(self, values: Tensor) -> Tensor:
        """Normalises every channel; the shape stays.

        Args:
            values: P x C x H x W.
        """
        scale, shift = self.scale_and_shift()
        return values * scale[:, None, None] + shift[:, None, None]


class ConvNorm(nn.Conv2d):
    """A convolution without bias and its normalisation.

    Args:
        inputs: channels.
        outputs: channels.
        size: of the kernel, odd.
        stride: of the kernel.
        groups: of channels.
    """

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False)
        self.norm: FrozenNorm | None = FrozenNorm(outputs)

    def forward(self, input: Tensor) -> Tensor:
        """P x outputs x H/stride x W/stride.

        Args:
            input: P x inputs x H x W.
        """
        if self.norm is not None:
            return self.norm(super().forward(input))
        if self.kernel_size == (1, 1) and self.stride == (1, 1):
            # The same product; on small maps CPUs are up to four times faster at it than at convolving.
            rows = functional.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias)
            return rows.permute(0, 3, 1, 2)
        return super().forward(input)

    @torch.no_grad()
    def fold(self) -> None:
        """Takes the normalisation into weight and bias: the same function, one pass less over the map."""
        if self.norm is not None:
            scale, shift = self.norm.scale_and_shift()
            self.weight = nn.Parameter(self.weight * scale[:, None, None, None], requires_grad=False)
            self.bias = nn.Parameter(shift, requires_grad=False)
            self.norm = None


class Bottleneck(nn.Module):
    """A ResNeXt block (arXiv 1611.05431, section 3): 1 x 1, grouped 3 x 3 with the stride, 1 x 1, and a
    shortcut.

    Args:
        inputs: channels.
        middle: channels of the grouped convolution.
        outputs: channels.
        stride: of the block.
        groups: of the middle channels.
    """

    def __init__(self, inputs: int, middle: int, outputs: int, stride: int, groups: int):
        super().__init__()
        self.shortcut = ConvNorm(inputs, outputs, 1, stride) if inputs != outputs else None
        self.conv1 = ConvNorm(inputs, middle, 1)
        self.conv2 = ConvNorm(middle, middle, 3, stride, groups)
        self.conv3 = ConvNorm(middle, outputs, 1)

    def forward(self, values: Tensor) -> Tensor:
        """P x outputs x H/stride x W/stride.

        Args:
            values: P x inputs x H x W.
        """
        beside = values if self.shortcut is None else self.shortcut(values)
        values = functional.relu_(self.conv1(values))
        values = functional.relu_(self.conv2(values))
        return functional.relu_(self.conv3(values) + beside)


class Stem(nn.Module):
    """The first convolution and a pooling: each side becomes a quarter.

    Args:
        channels: of its output.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = ConvNorm(3, channels, 7, 2)

    def forward(self, values: Tensor) -> Tensor:
        """P x channels x H/4 x W/4.

        Args:
            values: P x 3 x H x W.
        """
        return functional.max_pool2d(functional.relu_(self.conv1(values)), 3, 2, 1)


class BottomUp(nn.Module):
    """The ResNeXt: four stages, each half the sides and twice the channels of the one before.

    ``recompute``: as of ``Encoder``.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.stem = Stem(config.architecture.visual_stem_channels)
        inputs, outputs = config.architecture.visual_stem_channels, config.architecture.visual_res2_channels
        middle = config.architecture.visual_groups * config.architecture.visual_width_per_group
        self.channels = []
        self.recompute = False
        for stage, blocks in zip(STAGES, config.architecture.visual_blocks, strict=True):
            stride = 1 if stage == STAGES[0] else 2
            sizes = [(inputs, stride)] + [(outputs, 1)] * (blocks - 1)
            self.add_module(
                f"res{stage}",
                nn.Sequential(
                    *(Bottleneck(i, middle, outputs, s, config.architecture.visual_groups) for i, s in sizes)
                ),
            )
            self.channels.append(outputs)
            inputs, middle, outputs = outputs, 2 * middle, 2 * outputs

    def forward(self, values: Tensor) -> list[Tensor]:
        """The outputs of the four stages.

        Args:
            values: P x 3 x H x W.
        """
        values = self.stem(values)
        maps = []
        for stage in STAGES:
            for block in getattr(self, f"res{stage}"):
                if self.recompute and self.training:
                    values = checkpoint(block, values, use_reentrant=False)
                else:
                    values = block(values)
            maps.append(values)
        return maps


class Pyramid(nn.Module):
    """The top-down path of a feature pyramid (arXiv 1612.03144, section 3), and its finest map pooled.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.bottom_up = BottomUp(config)
        rows, columns, channels = config.architecture.image_feature_pool_shape
        self.cells = (rows, columns)
        for stage, inputs in zip(STAGES, self.bottom_up.channels, strict=True):
            self.add_module(f"fpn_lateral{stage}", nn.Conv2d(inputs, channels, 1))
        self.fpn_output2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        """P x (R * S) x C: the cells row by row.

        Args:
            values: P x 3 x H x W.
        """
        maps = self.bottom_up(values)
        merged = self._lateral(5, maps)
        for stage in (4, 3, 2):
            side = self._lateral(stage, maps)
            merged = side + functional.interpolate(merged, size=side.shape[-2:], mode="nearest")
        return self._pooled_output(merged)

    def _lateral(self, stage: int, maps: Sequence[Tensor]) -> Tensor:
        return getattr(self, f"fpn_lateral{stage}")(maps[stage - STAGES[0]])

    def _pooled_output(self, merged: Tensor) -> Tensor:
        """The mean of fpn_output2's 3 x 3 convolution over every cell: P x (R * S) x C.

        Both are linear, so pooling the nine shifted maps first gives the same from a product over
        R x S places instead of one over the whole map.
        """
        height, width = merged.shape[-2:]
        padded = functional.pad(merged.float(), (1, 1, 1, 1))
        shifted = [
            functional.adaptive_avg_pool2d(padded[..., dy : dy + height, dx : dx + width], self.cells)
            for dy in range(3)
            for dx in range(3)
        ]
        kernel = self.fpn_output2.weight.float().permute(0, 2, 3, 1).flatten(1)
        pooled = torch.cat(shifted, 1).flatten(2).transpose(1, 2)
        bias = self.fpn_output2.bias
        return functional.linear(pooled, kernel, None if bias is None else bias.float())


class VisualBackbone(nn.Module):
    """Features of the cells of page thumbnails.

    Args:
        config: of the network.
    """

    def __init__(self, config: LayoutXLMConfig):
        super().__init__()
        self.backbone = Pyramid(config)
        self.normalisation = config.architecture.image_normalisation

    def forward(self, images: Tensor) -> Tensor:
        """P x (R * S) x C float32.

        Args:
            images: P x H x W x 3 uint8 RGB.
        """
        values = normalise_images(images, self.normalisation)
        values = values.to(self.backbone.fpn_output2.weight.dtype, memory_format=torch.channels_last)
        return self.backbone(values).float()

    def prepare(self, dtype: torch.dtype) -> None:
        """Prepares the backbone for inference: folded, channels last, in ``dtype``. It can no longer be
        trained.

        Args:
            dtype: float32, bfloat16 or float16.
        """
        for module in self.modules():
            if isinstance(module, ConvNorm):
                module.fold()
        # PyTorch's types do not list this combination.
        self.backbone.to(dtype=dtype, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
