"""The studio of lesson 11: a style transfer that you steer while it runs.

The files, in the order of their imports: `settings.py` holds what can be set, `pictures.py` makes
the picture that a run begins from, `history.py` holds the frames of a run, `engine.py` the run
itself, `controls.py` the sliders and buttons, `views.py` what is shown, and `panel.py` brings them
together."""

from studio.engine import Studio
from studio.panel import Panel
from studio.settings import Settings

__all__ = ["Panel", "Settings", "Studio"]
