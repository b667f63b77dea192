"""What the project costs and what its pictures are like; run it from the root: `make bench`."""
