"""Fixtures that several test files share: the network, the two pictures, and odd inputs."""

import pytest
import torch

import helpers as nst
from style_transfer import features, images
from style_transfer.features import CONV_INDICES
from tools.browser import CHROMIUM

needs_a_browser = pytest.mark.skipif(
    CHROMIUM is None,
    reason="the browser test needs a Chromium on the PATH (apt install chromium)",
)
# The cells of a notebook with a small studio, and its panel on the page.
PANEL_CELLS = (
    "import sys\nsys.path.insert(0, '..')\nfrom studio import Panel, Studio",
    "studio = Studio('china', size=64, evaluations=3)\npanel = Panel(studio)\npanel",
)
PANEL = ".jp-OutputArea .studio-panel"


@pytest.fixture(scope="session", autouse=True)
def find_device():
    """Keeps all tests on the CPU, where they give the same numbers on every machine.

    The fixture gives the function that it replaces, which finds the fastest device."""
    original = images.device
    with pytest.MonkeyPatch.context() as patch:
        for module in (images, features, nst):
            patch.setattr(module, "device", lambda: torch.device("cpu"))
        yield original


@pytest.fixture(scope="session")
def vgg():
    """The pocket network with its defaults."""
    return nst.VGG19()


@pytest.fixture(scope="session")
def photo():
    """The photograph of all lessons, small: (1, 3, 43, 64)."""
    return nst.load_image("china", 64)


@pytest.fixture(scope="session")
def painting():
    """The painting of all lessons, small: (1, 3, 51, 64)."""
    return nst.load_image("starry_night", 64)


def random_image(height=32, width=48, seed=0):
    """An image of random pixels, the same ones for the same seed."""
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def random_features(*shape, seed=0):
    """Random numbers in [0, 1] and in float64, for comparisons with formulas."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


def narrow_state(width=4):
    """A state dict of random weights: VGG-19 up to conv5_1 with `width` channels everywhere."""
    generator = torch.Generator().manual_seed(1)
    state = {}
    inputs = 3
    for index in CONV_INDICES:
        weight = torch.randn(width, inputs, 3, 3, generator=generator)
        state[f"features.{index}.weight"] = weight
        state[f"features.{index}.bias"] = torch.randn(width, generator=generator)
        inputs = width
    return state
