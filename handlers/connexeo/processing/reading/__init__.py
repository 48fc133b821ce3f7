"""Pixel access in two steps: *decide* from metadata what a cube will be, then *read* it lazily, block by block.

- `bands`: which bands a collection has and in which asset each lies;
- `extents`: what users mean by a spatial and a temporal extent;
- `grids`: the pixel grid of a cube, aligned to the pixels of its files;
- `plans`: which files make up which block of the cube, of which data type;
- `pixels`: reads blocks from GeoTIFFs and the like through rasterio;
- `cubes`: opens the items of a collection as one cube, cut to what is needed;
- `windows`: reads map tiles: on pixels of their own, from overviews;
- `sampling`: which pixels of a file are the nearest to those of a tile;
- `datasets`: keeps files open from one tile to the next;
- `polygons`: which pixels lie in polygons;
- `arrays`: opens netCDF files and Zarr stores through xarray.
"""
