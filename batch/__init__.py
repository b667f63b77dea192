"""Many pictures: grids of settings, made one after another or on a Dask cluster.

`many.py` is its command line, and lesson 13 builds its ideas. `jobs` says what there is to do,
`work` is the one function that runs on a worker, `engine` is the only file that imports Dask, and
`record` keeps the results.
"""
