"""Which pixels geometries select, wherever they and the pixels lie."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from connexeo.processing.pixel_selection import Pixels, regions_of, union_of
from connexeo.processing.vectors import Geometries, geometry_labels

WORLD = 20_037_508.34


def pixels_of(x: Any, y: Any, crs: Any = None) -> Pixels:
    return Pixels(np.asarray(x, float), np.asarray(y, float), crs)


SMALL = pixels_of(np.arange(4) + 0.5, 3.5 - np.arange(4))
GLOBE = pixels_of(np.arange(-179.5, 180), np.arange(89.5, -90, -1), 4326)
GLOBE_FROM_ZERO = pixels_of(np.arange(0.5, 360), np.arange(89.5, -90, -1), 4326)
MERCATOR = pixels_of(
    -WORLD + 5e4 + 1e5 * np.arange(401), WORLD - 5e4 - 1e5 * np.arange(401), 3857
)  # a little more than the world
POLE = pixels_of(-3e6 + 5e3 + 1e4 * np.arange(600), 3e6 - 5e3 - 1e4 * np.arange(600), 3995)
ANTIMERIDIAN = pixels_of(200_005 + 1000 * np.arange(100), 5_100_000 - 1000 * np.arange(100), 32601)


def masks(pixels: Pixels, *shapes: Any, crs: Any = None) -> list[Any]:
    whole = slice(0, len(pixels.y)), slice(0, len(pixels.x))
    regions = regions_of(Geometries(geometry_labels(list(shapes)), crs), pixels)
    for region in regions:  # nothing lies beyond the window
        outside = region.mask(pixels, *whole)
        outside[region.window] = False
        assert not outside.any()
    return [region.mask(pixels, *whole) for region in regions]


def cells(mask: Any) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere(mask)]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (shapely.box(1, 1, 3, 2), [(2, 1), (2, 2)]),
        (shapely.box(0.5, 0.5, 1.5, 0.6), [(3, 0), (3, 1)]),
        (shapely.box(1.1, 1.1, 1.4, 1.4), []),
        (shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]), [(2, 0), (2, 1), (3, 0), (3, 1)]),
        (shapely.Point(1.9, 2.1), [(1, 1)]),
        (shapely.Point(1, 1), [(3, 1)]),
        (shapely.Point(4, 0), [(3, 3)]),
        (shapely.Point(0, 4), [(0, 0)]),
        (shapely.Point(4.01, 2), []),
        (shapely.MultiPoint([(0.1, 0.1), (0.9, 0.9), (3.5, 3.5)]), [(0, 3), (3, 0)]),
        (shapely.LineString([(0.1, 0.2), (2.9, 0.3)]), [(3, 0), (3, 1), (3, 2)]),
        (shapely.LineString([(0.2, 0.1), (1.5, 1.4)]), [(2, 1), (3, 0), (3, 1)]),
        (shapely.LineString([(1, 0.2), (1, 1.8)]), [(2, 1), (3, 1)]),
        (shapely.LineString([(-5, 1), (2, 1)]), [(3, 0), (3, 1), (3, 2)]),
        (shapely.LineString([(-5, -5), (9, -5)]), []),
        (shapely.MultiLineString([[(0.1, 0.1), (0.2, 0.1)], [(3.1, 3.1), (3.2, 3.1)]]), [(0, 3), (3, 0)]),
        (shapely.GeometryCollection([shapely.Point(0.1, 3.9), shapely.box(3, 0, 4, 1)]), [(0, 0), (3, 3)]),
        (shapely.Polygon(), []),
        (None, []),
    ],
)
@pytest.mark.parametrize("flipped", [False, True])
def test_pixels_of_geometries(shape: Any, expected: Any, flipped: bool) -> None:
    (mask,) = masks(SMALL, shape)
    assert cells(mask) == expected
    upside_down = pixels_of(SMALL.x[::-1], SMALL.y[::-1]) if flipped else SMALL
    (other,) = masks(upside_down, shape)
    np.testing.assert_array_equal(other[::-1, ::-1] if flipped else other, mask)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-1, 7), st.floats(-1, 5)), min_size=2, max_size=5))
def test_lines_select_the_closest_pixel_of_each_of_their_points(vertices: Any) -> None:
    pixels = pixels_of([0.5, 1.5, 3, 4, 6], [3.5, 2, 1, 0.2])
    (mask,) = masks(pixels, shapely.LineString(vertices))
    across, along = pixels.edges
    points = shapely.line_interpolate_point(
        shapely.LineString(vertices), np.linspace(0, 1, 200), normalized=True
    )
    for x, y in shapely.get_coordinates(points):
        if across[0] < x < across[-1] and along[0] < y < along[-1]:
            far = np.abs(across - x).min() < 1e-9 or np.abs(along - y).min() < 1e-9
            assert far or mask[np.abs(pixels.y - y).argmin(), np.abs(pixels.x - x).argmin()]
    (closed,) = masks(pixels, shapely.LineString(vertices).buffer(2, cap_style="square"))
    assert (mask <= closed).all()


@pytest.mark.parametrize(
    ("pixels", "shape", "count"),
    [
        (GLOBE, shapely.box(170, 0, 190, 10), 200),
        (GLOBE, shapely.box(-190, 0, -170, 10), 200),
        (GLOBE, shapely.MultiPolygon([shapely.box(170, 0, 180, 10), shapely.box(-180, 0, -170, 10)]), 200),
        (GLOBE, shapely.Point(181, 0.2), 1),
        (GLOBE, shapely.Point(0, 95), 0),
        (GLOBE, shapely.box(180, 0, 190, 10), 100),
        (GLOBE_FROM_ZERO, shapely.box(-10, 0, 10, 10), 200),
        (GLOBE_FROM_ZERO, shapely.Point(-0.2, 0.2), 1),
        (GLOBE_FROM_ZERO, shapely.box(-180, -90, 180, 90), 64_800),
        (MERCATOR, shapely.box(-180, -85.06, 180, 85.06), 401 * 401),
        (MERCATOR, shapely.box(-10, -10, 10, 10), 23 * 23),
        (ANTIMERIDIAN, shapely.box(179, 40, 181, 50), 10_000),
        (ANTIMERIDIAN, shapely.box(-181, 40, -179, 50), 10_000),
        (
            ANTIMERIDIAN,
            shapely.MultiPolygon([shapely.box(179, 40, 180, 50), shapely.box(-180, 40, -179, 50)]),
            10_000,
        ),
        (ANTIMERIDIAN, shapely.box(-180, -90, 180, 90), 10_000),
        (ANTIMERIDIAN, shapely.box(0, 40, 10, 50), 0),
        (POLE, shapely.box(-180, -90, 180, 90), 360_000),
    ],
)
def test_longitudes_count_round_the_globe(pixels: Pixels, shape: Any, count: int) -> None:
    (mask,) = masks(pixels, shape, crs=4326)
    assert mask.sum() == count


def test_both_sides_of_the_antimeridian_are_told_apart() -> None:
    from pyproj import Transformer

    east, west = masks(ANTIMERIDIAN, shapely.box(179, 40, 180, 50), shapely.box(-180, 40, -179, 50), crs=4326)
    to_degrees = Transformer.from_crs(32601, 4326, always_xy=True)
    longitude, _ = to_degrees.transform(*np.meshgrid(ANTIMERIDIAN.x, ANTIMERIDIAN.y))
    np.testing.assert_array_equal(east, longitude > 0)
    np.testing.assert_array_equal(west, longitude < 0)


def test_edges_bend_with_the_projection() -> None:
    from pyproj import Transformer

    (mask,) = masks(POLE, shapely.box(-60, 75, 100, 85), crs=4326)
    to_degrees = Transformer.from_crs(3995, 4326, always_xy=True)
    longitude, latitude = to_degrees.transform(*np.meshgrid(POLE.x, POLE.y))
    expected = (latitude >= 75) & (latitude <= 85) & (longitude >= -60) & (longitude <= 100)
    np.testing.assert_array_equal(mask, expected)


def test_a_single_pixel_of_unknown_size_is_the_closest_one() -> None:
    single = pixels_of([5], [5], 4326)
    near, far, around, beside = masks(
        single, shapely.Point(6, 5), shapely.Point(100, 3), shapely.box(0, 0, 9, 9), shapely.box(6, 6, 9, 9)
    )
    assert (near.all(), far.all(), around.all(), beside.any()) == (True, True, True, False)


def test_no_pixels_are_selected_where_there_are_none() -> None:
    (mask,) = masks(pixels_of([], [1, 2], 32632), shapely.Point(9, 0), crs=4326)
    assert mask.shape == (2, 0)


def test_union() -> None:
    shapes = geometry_labels([shapely.Point(0.1, 0.1), shapely.box(2, 2, 4, 4), shapely.Point(9, 9), None])
    union = union_of(regions_of(Geometries(shapes, None), SMALL))
    assert union.window == (slice(0, 4), slice(0, 4))
    assert cells(union.mask(SMALL, slice(0, 4), slice(0, 4))) == [(0, 2), (0, 3), (1, 2), (1, 3), (3, 0)]
    part = pickle.loads(pickle.dumps(union)).mask(SMALL, slice(1, 4), slice(0, 3))
    assert cells(part) == [(0, 2), (2, 0)]
    assert union_of([]).window == (slice(0, 0), slice(0, 0))
