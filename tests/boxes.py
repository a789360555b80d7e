"""Boxes compared."""


def overlap(first, second):
    """Intersection over union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    sizes = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return both / (sum(sizes) - both)
