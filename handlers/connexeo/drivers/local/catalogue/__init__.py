"""STAC collections from folders and from STAC APIs, completed to what openEO asks of them.

- `catalogue`: the sources as one catalogue;
- `folders` (with `folder_items` and `paths`), `stac_apis`: the two kinds of sources;
- `recheck`: how often sources are looked at again;
- `documents`: reads STAC documents, and takes out of them what the public must not see;
- `cube_metadata`: derives `cube:dimensions` and `summaries`;
- `queryables`: the JSON Schema of what items can be filtered by;
- `filters`: finds items by area, time and CQL2.
"""

from connexeo.drivers.local.catalogue.catalogue import Catalogue

__all__ = ["Catalogue"]
