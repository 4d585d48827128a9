"""In which order a person reads the lines of a page: columns and blocks are kept together."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_SAME_ROW = 0.5
"""The share of the lower line's height that two lines of one row share at least."""
_COLUMN_GAP = 1.0
"""Heights of a line that are empty between two columns at least."""


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Places of the boxes in the order of reading (recursive X-Y cut, Nagy and Seth 1984).

    The page is cut where an empty strip goes all the way across: into columns, read from left to
    right, where each side of the strip has lines of its own; else into blocks from top to bottom.
    """
    return _ordered(boxes, list(range(len(boxes))))


def rows(boxes: Sequence[Box], order: Sequence[int]) -> list[list[int]]:
    """Places in reading order, those that stand side by side on one row together."""
    found: list[list[int]] = []
    for place in order:
        beside = found and _on_one_row(boxes[found[-1][-1]], boxes[place])
        if beside and boxes[place][0] >= boxes[found[-1][-1]][0]:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _ordered(boxes: Sequence[Box], places: list[int]) -> list[int]:
    if len(places) < 2:
        return places
    heights = sorted(boxes[place][3] - boxes[place][1] for place in places)
    line = heights[len(heights) // 2]
    columns = _parts(boxes, places, axis=0, gap=_COLUMN_GAP * line)
    # A strip that every row leaves empty is a table's, unless each side has several lines.
    long = len(columns) > 1 and all(len(_bands(boxes, column)) > 1 for column in columns)
    if long and not _rows_match(boxes, columns):
        return [place for column in columns for place in _ordered(boxes, column)]
    blocks = _bands(boxes, places)
    if len(blocks) > 1:
        # At the widest strip alone: above and below it there may be columns.
        cut = max(range(1, len(blocks)), key=lambda i: (_strip(boxes, blocks, i), -i))
        halves = blocks[:cut], blocks[cut:]
        return [p for half in halves for p in _ordered(boxes, [p for b in half for p in b])]
    if len(columns) > 1:
        return [place for column in columns for place in _ordered(boxes, column)]
    return sorted(places, key=lambda place: (boxes[place][1], boxes[place][0]))


def _parts(
    boxes: Sequence[Box], places: Sequence[int], *, axis: int, gap: float
) -> list[list[int]]:
    """Groups between which nothing lies for more than `gap`, along x (0) or y (1)."""
    ordered = sorted(places, key=lambda place: boxes[place][axis])
    parts = [[ordered[0]]]
    end = boxes[ordered[0]][axis + 2]
    for place in ordered[1:]:
        start, stop = _shrunk(boxes[place], axis)
        if start - end > gap or (gap == 0.0 and start >= end):
            parts.append([])
        parts[-1].append(place)
        end = max(end, stop)
    return parts


def _shrunk(box: Box, axis: int) -> tuple[float, float]:
    """Where a box begins and ends along an axis; lines of text touch a little above and below."""
    start, stop = box[axis], box[axis + 2]
    return (start, stop) if axis == 0 else (start + (stop - start) * 0.2, stop)


def _bands(boxes: Sequence[Box], places: Sequence[int]) -> list[list[int]]:
    return _parts(boxes, places, axis=1, gap=0.0)


def _strip(boxes: Sequence[Box], blocks: Sequence[Sequence[int]], cut: int) -> float:
    """How high the empty strip before a block is."""
    above = max(boxes[place][3] for block in blocks[:cut] for place in block)
    return min(boxes[place][1] for place in blocks[cut]) - above


def _rows_match(boxes: Sequence[Box], columns: Sequence[Sequence[int]]) -> bool:
    """Whether the lines of all columns stand on the same rows, as in a table."""
    fewest = min(columns, key=len)
    others = [column for column in columns if column is not fewest]
    matched = sum(
        all(any(_level(boxes[place], boxes[other]) for other in column) for column in others)
        for place in fewest
    )
    return matched == len(fewest) and max(map(len, columns)) <= len(fewest) + 1


def _level(first: Box, second: Box) -> bool:
    """Whether two lines stand on one row exactly, as cells of a table do."""
    middle = (first[1] + first[3]) / 2, (second[1] + second[3]) / 2
    height = min(first[3] - first[1], second[3] - second[1])
    return abs(middle[0] - middle[1]) < 0.25 * height


def _on_one_row(first: Box, second: Box) -> bool:
    shared = min(first[3], second[3]) - max(first[1], second[1])
    return shared > _SAME_ROW * min(first[3] - first[1], second[3] - second[1])
