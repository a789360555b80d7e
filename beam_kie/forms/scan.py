"""What printing and scanning do to a page: skew, blur, noise, shadows, JPEG; the labels move along.

Every effect works on a picture of any size; lengths that matter are in inches times ``dpi``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from beam_kie.forms.model import Form, Layout, moved

STRENGTHS = ("none", "light", "heavy")


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How strong each effect is; the defaults change nothing.

    ``turn_deg`` (0, 90, 180, 270) and ``skew_deg`` turn clockwise, ``perspective`` moves the corners by
    up to that part of the width. ``contrast`` 1 and ``brightness`` 0 (grey levels) leave ink as it is,
    ``paper`` is the grey level of white. ``blur_px``, ``noise`` (grey levels) and ``speckles`` (per square
    inch) are those of the scanner; ``bleed`` is how much of the other side shows (0..1), ``fold`` and
    ``edge_shadow`` how dark they get (0..1), ``fade`` how uneven the toner is (0..1), ``streaks`` how many
    vertical lines dust leaves. ``jpeg_quality`` None: no JPEG.
    """

    turn_deg: int = 0
    skew_deg: float = 0.0
    perspective: float = 0.0
    grey: bool = False
    contrast: float = 1.0
    brightness: float = 0.0
    paper: int = 255
    blur_px: float = 0.0
    noise: float = 0.0
    speckles: float = 0.0
    bleed: float = 0.0
    fold: float = 0.0
    edge_shadow: float = 0.0
    fade: float = 0.0
    streaks: int = 0
    jpeg_quality: int | None = None


def random_settings(strength: str, rng: np.random.Generator) -> ScanSettings:
    """Random settings of a scanner.

    Args:
        strength: "none"; "light", a clean office scanner; "heavy", an old one, or a copy of a copy.
        rng: the random generator.

    Raises:
        ValueError: an unknown strength.
    """
    if strength == "none":
        return ScanSettings()
    if strength not in STRENGTHS:
        raise ValueError(f"unknown scan strength {strength!r}, expected one of {', '.join(STRENGTHS)}")
    heavy = strength == "heavy"
    scale = 1.0 if heavy else 0.4

    def sometimes(chance: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < chance else 0.0

    return ScanSettings(
        skew_deg=float(rng.normal(0, 1.1 if heavy else 0.35)),
        perspective=sometimes(0.4, 0.002, 0.008) * scale,
        grey=bool(rng.random() < (0.6 if heavy else 0.4)),
        contrast=float(rng.uniform(0.62, 1.1) if heavy else rng.uniform(0.85, 1.05)),
        brightness=float(rng.uniform(-14, 22) * scale),
        paper=int(rng.integers(222, 252) if heavy else rng.integers(243, 256)),
        blur_px=float(rng.uniform(0.4, 1.15) if heavy else rng.uniform(0.2, 0.7)),
        noise=float(rng.uniform(4, 13) if heavy else rng.uniform(1, 4)),
        speckles=sometimes(0.6, 1, 10) * scale,
        bleed=sometimes(0.35, 0.06, 0.16) * scale,
        fold=sometimes(0.3, 0.08, 0.28) * scale,
        edge_shadow=sometimes(0.4, 0.1, 0.5) * scale,
        fade=sometimes(0.4, 0.1, 0.45) * scale,
        streaks=int(rng.integers(1, 4)) if heavy and rng.random() < 0.25 else 0,
        jpeg_quality=int(rng.integers(35, 75) if heavy else rng.integers(70, 92)),
    )


def scan_form(form: Form, settings: ScanSettings | str, seed: int = 0) -> Form:
    """The form as a scanner delivers it; the labels move with the picture.

    Args:
        form: with its picture.
        settings: of the scanner, or a strength.
        seed: any whole number; the same arguments give the same result.
    """
    settings = _settings(settings, seed)
    pixels = np.asarray(form.image.convert("RGB"))
    dpi = form.layout.dpi
    pixels = _ink(pixels, settings, np.random.default_rng([seed, 1]), dpi)
    pixels = _move(pixels, settings, seed)
    pixels = _light(pixels, settings, np.random.default_rng([seed, 2]), dpi)
    return Form(Image.fromarray(pixels), scan_layout(form.layout, settings, seed))


def scan_layout(layout: Layout, settings: ScanSettings | str, seed: int = 0) -> Layout:
    """The layout of ``scan_form`` with the same settings and seed, without a picture.

    Args:
        layout: of the form.
        settings: of the scanner, or a strength.
        seed: any whole number; the same arguments give the same result.
    """
    settings = _settings(settings, seed)
    width, height = layout.width_px, layout.height_px
    matrix = _turn_matrix(width, height, settings) @ _skew_matrix(width, height, settings, seed)
    if settings.turn_deg in (90, 270):
        width, height = height, width
    return moved(layout, matrix, width, height)


def fax_form(form: Form, settings: ScanSettings | str, seed: int = 0, threshold: int = 178) -> Form:
    """The form in black and white as a fax machine sends it: a mode "1" picture.

    Args:
        form: with its picture.
        settings: of the scanner, or a strength.
        seed: any whole number; the same arguments give the same result.
        threshold: the least grey value that becomes white, in 0..255.
    """
    scanned = scan_form(form, settings, seed)
    grey = cv2.cvtColor(np.asarray(scanned.image), cv2.COLOR_RGB2GRAY)
    bits = np.where(grey < threshold, 0, 255).astype(np.uint8)
    return Form(Image.fromarray(bits).convert("1", dither=Image.Dither.NONE), scanned.layout)


def _settings(settings: ScanSettings | str, seed: int) -> ScanSettings:
    if isinstance(settings, ScanSettings):
        return settings
    return random_settings(settings, np.random.default_rng([seed, 0]))


# What happens to the sheet before it lies on the scanner


def _ink(pixels: np.ndarray, settings: ScanSettings, rng: np.random.Generator, dpi: float) -> np.ndarray:
    page = pixels
    if settings.fade:
        strength = _clouds(page.shape[:2], rng, cells=9) * settings.fade
        page = 255.0 - (255.0 - page) * (1.0 - strength)[..., None]
    if settings.bleed:
        behind = cv2.GaussianBlur(pixels[:, ::-1], (0, 0), max(0.8, dpi / 90))
        shift = int(rng.integers(-20, 20))
        behind = np.roll(behind, shift, axis=0)
        page = page - (255.0 - behind) * settings.bleed
    if page is pixels:
        return pixels
    return np.clip(page, 0, 255).astype(np.uint8)


def _clouds(shape: tuple[int, int], rng: np.random.Generator, cells: int) -> np.ndarray:
    """A smooth random field in 0..1."""
    coarse = rng.random((cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC).clip(0.0, 1.0)


# How it lies on the scanner


_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def _move(pixels: np.ndarray, settings: ScanSettings, seed: int) -> np.ndarray:
    """Skews and turns the picture."""
    height, width = pixels.shape[:2]
    if settings.skew_deg or settings.perspective:
        matrix = _skew_matrix(width, height, settings, seed)
        # Coordinates count from the corner of the first pixel, OpenCV's from its centre.
        shift = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])
        pixels = cv2.warpPerspective(
            pixels,
            shift @ matrix @ np.linalg.inv(shift),
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255, 255, 255),
        )
    return cv2.rotate(pixels, _TURNS[settings.turn_deg]) if settings.turn_deg else pixels


def _turn_matrix(width: int, height: int, settings: ScanSettings) -> np.ndarray:
    """The homography, old to new coordinates, of the turn by right angles."""
    turns = {
        0: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        90: [[0, -1, height], [1, 0, 0], [0, 0, 1]],
        180: [[-1, 0, width], [0, -1, height], [0, 0, 1]],
        270: [[0, 1, 0], [-1, 0, width], [0, 0, 1]],
    }
    return np.asarray(turns[settings.turn_deg], np.float64)


def _skew_matrix(width: int, height: int, settings: ScanSettings, seed: int) -> np.ndarray:
    """The homography, old to new coordinates, of a sheet that lies a little askew."""
    angle = np.deg2rad(settings.skew_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = width / 2, height / 2
    turn = np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y], [0, 0, 1]])
    if not settings.perspective:
        return turn
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    rng = np.random.default_rng([seed, 3])
    pushed = corners + rng.uniform(-1, 1, (4, 2)) * settings.perspective * width
    return cv2.getPerspectiveTransform(corners, pushed.astype(np.float32)) @ turn


# What the scanner sees


def _light(pixels: np.ndarray, settings: ScanSettings, rng: np.random.Generator, dpi: float) -> np.ndarray:
    page = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None] if settings.grey else pixels
    if settings.blur_px:
        page = cv2.GaussianBlur(page, (0, 0), settings.blur_px * dpi / 150)
        page = page[..., None] if page.ndim == 2 else page
    page = page.astype(np.float32)
    page *= settings.contrast * settings.paper / 255.0
    page += settings.paper * (1.0 - settings.contrast) + settings.brightness
    np.clip(page, 0, max(settings.paper, 1), out=page)
    shade = _shadows(page.shape[:2], settings, rng, dpi)
    if shade is not None:
        page *= shade[..., None]
    _dirt(page, settings, rng, dpi)
    if settings.noise:
        noise = rng.standard_normal(page.shape[:2], dtype=np.float32) * settings.noise
        page += cv2.GaussianBlur(noise, (0, 0), 0.6)[..., None] * 1.6
    page = np.clip(page, 0, 255).astype(np.uint8)
    page = cv2.cvtColor(page, cv2.COLOR_GRAY2RGB) if page.shape[2] == 1 else page
    if settings.jpeg_quality is None:
        return page
    done, data = cv2.imencode(".jpg", page[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality])
    assert done
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].copy()


def _shadows(
    shape: tuple[int, int], settings: ScanSettings, rng: np.random.Generator, dpi: float
) -> np.ndarray | None:
    """Folds across the page and the dark edge where the lid stands open; factors in 0..1."""
    height, width = shape
    if not settings.fold and not settings.edge_shadow:
        return None
    shade = np.ones(shape, np.float32)
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    if settings.fold:
        for part in ((1 / 2,), (1 / 3, 2 / 3))[int(rng.integers(2))]:
            away = (rows - height * part - rng.uniform(-0.02, 0.02) * height) / dpi
            line = np.exp(-((away / 0.02) ** 2))
            slope = np.where(away > 0, np.exp(-away / 0.35), 0.0)
            shade *= (1.0 - settings.fold * np.maximum(line * 0.8, slope * 0.35))[:, None]
    if settings.edge_shadow:
        away = columns / dpi if rng.random() < 0.5 else (width - columns) / dpi
        shade *= (1.0 - settings.edge_shadow * np.exp(-away / 0.12))[None, :]
    return shade


def _dirt(page: np.ndarray, settings: ScanSettings, rng: np.random.Generator, dpi: float) -> None:
    """Dust as dots, and as lines along the way of the sheet."""
    height, width = page.shape[:2]
    count = int(settings.speckles * height * width / dpi**2)
    for x, y, level in zip(
        rng.integers(0, width, count),
        rng.integers(0, height, count),
        rng.integers(40, 190, count),
        strict=True,
    ):
        size = 1 + int(rng.random() < 0.3)
        page[y : y + size, x : x + size] = level
    for _ in range(settings.streaks):
        x = int(rng.integers(0, width))
        page[:, x : x + 1 + int(dpi > 200)] *= float(rng.uniform(0.72, 0.92))
