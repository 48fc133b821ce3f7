"""Pixels in polygons."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely

from connexeo.processing.reading.polygons import covered, prepare

X, Y = np.arange(6) + 0.5, 5.5 - np.arange(6)


@pytest.mark.parametrize(
    ("polygon", "count"),
    [
        (shapely.box(0, 0, 6, 6), 36),
        (shapely.box(1, 1, 3, 4), 6),
        (shapely.box(0.5, 0.5, 2.5, 1.5), 6),
        (shapely.box(0.6, 0.6, 1.4, 1.4), 0),
        (shapely.box(-9, -9, -1, -1), 0),
        (shapely.box(0, 0, 6, 6).difference(shapely.box(1, 1, 5, 5)), 20),
        (shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(5, 5, 6, 6)]), 2),
        (shapely.Polygon(), 0),
    ],
)
def test_pixels_belong_to_polygons_by_their_centre(polygon: shapely.Geometry, count: int) -> None:
    inside = covered([polygon], X, Y)
    assert inside.shape == (6, 6)
    assert inside.sum() == count


def test_rows_and_columns_are_not_mixed_up() -> None:
    inside = covered([shapely.box(0, 4, 3, 6)], X, Y[:4])
    np.testing.assert_array_equal(
        np.argwhere(inside), [(row, column) for row in (0, 1) for column in (0, 1, 2)]
    )


def test_polygons_add_up() -> None:
    parts = [shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)]
    assert covered(parts, X, Y).sum() == 7


def test_threads_warn_of_nothing() -> None:
    circle = shapely.Point(3, 3).buffer(2)
    prepare([circle])
    expected = covered([circle], X, Y)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: covered([circle], X, Y), range(100)))
    assert all(np.array_equal(one, expected) for one in found)


def test_large_areas_are_looked_at_like_small_ones() -> None:
    ring = shapely.Point(150, 100).buffer(90).difference(shapely.Point(130, 110).buffer(35))
    x, y = np.arange(300) + 0.5, np.arange(200)[::-1] + 0.5
    inside = covered([ring, shapely.box(290, 0, 300, 200)], x, y)
    expected = shapely.intersects_xy(ring, *np.meshgrid(x, y)) | (x > 290)
    np.testing.assert_array_equal(inside, expected)


@pytest.mark.parametrize(("columns", "rows"), [(5000, 1), (1, 5000), (0, 3)])
def test_single_rows_and_columns(columns: int, rows: int) -> None:
    inside = covered([shapely.box(-1, -1, 6000, 6000)], np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    assert inside.shape == (rows, columns)
    assert inside.all()
