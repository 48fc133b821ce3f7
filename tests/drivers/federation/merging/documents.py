"""Hypothesis strategies for what upstreams say: documents of the right kind, odd ones, and any JSON at all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

UPSTREAMS = ("alps", "bay", "coast", "dune")

names = st.sampled_from(["a", "b", "c", "x/y", "B02", "~"])
words = st.sampled_from(["", "snow", "ice", "Sea", "river", "2020-01-01", "2020-06-01T12:00:00+02:00"])
numbers = st.one_of(
    st.integers(-1000, 1000), st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from([0, 1, 1.0, True])
)
scalars = st.one_of(st.none(), st.booleans(), numbers, words)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
"""JSON values of any shape, from few words, so that equal ones are frequent."""


def times(*, open_end: bool = True) -> st.SearchStrategy[Any]:
    spelled = st.sampled_from(
        [
            "2015-01-01T00:00:00Z",
            "2015-01-01T01:00:00+01:00",
            "2018-07-01T12:30:00.5Z",
            "2024-02-29T23:59:59Z",
        ]
    )
    return st.none() | spelled if open_end else spelled


longitudes = st.integers(-180, 180) | st.floats(-180, 180)
latitudes = st.integers(-90, 90) | st.floats(-90, 90)
boxes = st.one_of(
    st.builds(lambda w, e, s, n: [w, min(s, n), e, max(s, n)], longitudes, longitudes, latitudes, latitudes),
    st.builds(
        lambda w, e, s, n: [w, min(s, n), -10, e, max(s, n), 100],
        longitudes,
        longitudes,
        latitudes,
        latitudes,
    ),
)
intervals = st.tuples(times(), times()).map(list)
extents = st.fixed_dictionaries(
    {
        "spatial": st.fixed_dictionaries({"bbox": st.lists(boxes, min_size=1, max_size=4)}),
        "temporal": st.fixed_dictionaries({"interval": st.lists(intervals, min_size=1, max_size=4)}),
    }
)
bands = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["B02", "B03", "B8A"])}, optional={"gsd": numbers, "c": words}
    ),
    max_size=3,
)
links = st.lists(
    st.fixed_dictionaries(
        {
            "rel": st.sampled_from(["self", "license", "about", "via", "items", "canonical"]),
            "href": st.sampled_from(["https://a.example/x", "https://b.example/y", "https://c.example/z"]),
        },
        optional={"title": words, "type": words},
    ),
    max_size=3,
)
dimension_values = st.lists(numbers, min_size=1, max_size=4) | st.lists(words, min_size=1, max_size=4)
dimensions = st.dictionaries(
    st.sampled_from(["x", "y", "z", "t", "bands", "ensemble"]),
    st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("spatial"), "axis": st.sampled_from(["x", "y", "z"])},
            optional={
                "extent": st.tuples(numbers, numbers).map(list),
                "step": st.none() | numbers,
                "values": dimension_values,
                "reference_system": st.sampled_from([4326, 32632]),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("temporal"), "extent": intervals}, optional={"values": dimension_values}
        ),
        st.fixed_dictionaries({"type": st.just("bands"), "values": st.lists(names, min_size=1)}),
        st.fixed_dictionaries({"type": st.just("geometry"), "bbox": boxes}),
        st.fixed_dictionaries(
            {"type": st.just("other")}, optional={"values": dimension_values, "unit": words}
        ),
    ),
    max_size=5,
)
ranges = st.one_of(
    st.builds(lambda one, other: {"minimum": one, "maximum": other}, numbers, numbers),
    st.builds(lambda one, other: {"minimum": one, "maximum": other}, times(open_end=False), words),
)
schemas = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["number", "string", ["number", "null"]]),
        "enum": st.lists(scalars, max_size=3),
        "minimum": st.integers(),
        "description": words,
        "format": words,
        "items": st.fixed_dictionaries({}, optional={"type": st.just("string")}),
        "federation:backends": st.just(["inner"]),
    },
)
summaries = st.dictionaries(
    st.sampled_from(["gsd", "eo:cloud_cover", "platform", "odd"]),
    st.lists(values, max_size=4) | ranges | schemas,
).flatmap(lambda found: st.just(found) | bands.map(lambda each: {**found, "eo:bands": each}))

collections = st.fixed_dictionaries(
    {
        "stac_version": st.sampled_from(["1.0.0", "1.1.0", "0.9.0", "1.0.0-rc.2"]),
        "id": st.just("snow"),
        "description": words,
        "license": st.sampled_from(["CC-BY-4.0", "other", "various"]),
        "extent": extents,
        "links": links,
    },
    optional={
        "type": st.just("Collection"),
        "title": words,
        "keywords": st.lists(words, max_size=3),
        "deprecated": st.booleans(),
        "stac_extensions": st.lists(
            st.sampled_from(["https://x.example/v1", "https://y.example/v1"]), unique=True
        ),
        "providers": st.lists(
            st.fixed_dictionaries(
                {"name": words},
                optional={"roles": st.lists(st.sampled_from(["host", "producer"]), max_size=2)},
            ),
            max_size=3,
        ),
        "cube:dimensions": dimensions,
        "summaries": summaries,
        "assets": st.dictionaries(
            names, st.fixed_dictionaries({"href": words}, optional={"title": words}), max_size=3
        ),
        "item_assets": st.dictionaries(
            names, st.fixed_dictionaries({}, optional={"bands": bands, "type": words})
        ),
        "bands": bands,
        "cube:variables": values,
        "sci:doi": values,
        "federation:backends": st.just(["inner"]),
    },
)

process_parameters = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["x", "y", "z"]),
            "description": words,
            "schema": schemas | st.lists(schemas, min_size=1, max_size=3, unique_by=repr),
        },
        optional={"optional": st.booleans(), "default": scalars, "deprecated": st.booleans()},
    ),
    max_size=3,
    unique_by=lambda each: str(each["name"]),
)
processes = st.fixed_dictionaries(
    {
        "id": st.just("add"),
        "description": words,
        "parameters": process_parameters,
        "returns": st.fixed_dictionaries({"schema": schemas}, optional={"description": words}),
    },
    optional={
        "summary": words,
        "categories": st.lists(words, max_size=3),
        "experimental": st.booleans(),
        "deprecated": st.booleans(),
        "links": links,
        "examples": st.lists(
            st.fixed_dictionaries({"arguments": st.dictionaries(names, scalars)}), max_size=2
        ),
        "exceptions": st.dictionaries(
            names, st.fixed_dictionaries({"message": words}, optional={"http": numbers})
        ),
        "odd": values,
    },
)
resource_parameters = st.dictionaries(
    names,
    schemas.flatmap(
        lambda schema: st.fixed_dictionaries(
            {"description": words}, optional={"required": st.booleans(), "default": scalars}
        ).map(lambda rest: {**schema, **rest})
    ),
    max_size=3,
)
formats = st.fixed_dictionaries(
    {
        "gis_data_types": st.lists(st.sampled_from(["raster", "vector"]), max_size=2),
        "parameters": resource_parameters,
    },
    optional={"title": words, "links": links, "deprecated": st.booleans(), "odd": values},
)
libraries = st.dictionaries(
    st.sampled_from(["numpy", "xarray"]), st.fixed_dictionaries({"version": st.sampled_from(["1.2", "2.0"])})
)
languages = st.dictionaries(
    st.sampled_from(["3.9", "3.10", "3.11"]), st.fixed_dictionaries({"libraries": libraries}), min_size=1
).flatmap(
    lambda versions: st.fixed_dictionaries(
        {
            "type": st.just("language"),
            "versions": st.just(versions),
            "default": st.sampled_from(sorted(versions)),
        },
        optional={"title": words, "experimental": st.booleans()},
    )
)
images = st.fixed_dictionaries(
    {
        "type": st.just("docker"),
        "docker": st.sampled_from(["one/image", "other/image"]),
        "tags": st.lists(st.sampled_from(["1", "2", "latest"]), min_size=1),
        "default": st.sampled_from(["1", "2"]),
    }
)
runtimes = languages | images
service_types = st.fixed_dictionaries(
    {"configuration": resource_parameters, "process_parameters": process_parameters},
    optional={"title": words, "description": words, "links": links},
)
