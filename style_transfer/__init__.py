"""Neural style transfer, one file for each box of the figure at the head of every lesson.

The figure is: image > tensor > features > Grams > losses > steps > frames. The files, in the same
order, are `images.py`, `features.py`, `losses.py`, `steps.py` and `frames.py`. Each file imports
only files that stand before it. `settings.py`, `files.py` and `display.py` support them; you do
not need to read these three to follow the lessons. Lessons import everything through
`helpers.py`.
"""
