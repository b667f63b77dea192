"""Neural style transfer, one file for each box of the figure at the head of every lesson.

The figure is: image > tensor > features > Grams > losses > steps > frames. The files, in the same
order, are `images.py`, `features.py`, `losses.py`, `steps.py` and `frames.py`. Each file imports
only files that stand before it. You do not need to read the others to follow the lessons:
`settings.py`, `files.py`, `display.py`, `flags.py` and `fast_gram.py` support them,
`one_pass.py` paints without steps, and `forecast.py` says beforehand how long a run will take.
Lessons import everything through `helpers.py`.
"""
