"""Planning: what a process graph needs and takes, found out before a pixel is read.

- `pushdown`: which part of what `load_collection` loads the rest of the graph uses, by the graph alone;
- `needs`: that part, once extents and names are known;
- `selection`: the labels of a cube that the part stands for, exactly those that the graph would keep;
- `dry_run`: the graph run without pixels, for the shapes of all values;
- `costs`: seconds that shapes take;
- `planner`: the plan as a whole, and whether it fits.

Nothing is imported here: compiling a graph needs `pushdown` only, which loads neither numpy nor xarray.
"""
