"""From the straight page that the model sees back to the page as pictured."""

from __future__ import annotations

import dataclasses

import numpy as np

from beam_kie.document import Entity, PageResult, PageText
from beam_kie.geometry import box_polygon, clip_polygon, map_polygon
from beam_kie.layoutxlm.decoding.entities import entity_from_spans


def as_pictured(result: PageResult, page: PageText) -> PageResult:
    """The result with the polygons of its entities on the page as pictured.

    Args:
        result: of ``straight_page(page)``.
        page: the page.
    """
    if page.straightening is None:
        return dataclasses.replace(result, page=page)
    back = np.linalg.inv(np.reshape(page.straightening.matrix, (3, 3))).ravel().tolist()
    entities = tuple(_as_pictured(entity, page, back) for entity in result.entities)
    return dataclasses.replace(result, page=page, entities=entities)


def _as_pictured(entity: Entity, page: PageText, back: list[float]) -> Entity:
    if len(entity.spans) == 1:
        return entity_from_spans(page, entity.label, entity.spans, entity.confidence)
    # The box around several lines is slanted as they are.
    polygon = map_polygon(box_polygon(entity.box), back)
    return dataclasses.replace(entity, polygon=clip_polygon(polygon, page.width_px, page.height_px))
