"""How long one evaluation of the loss and its gradient takes, network by network, and what channels-last memory saves.

    python benchmarks/evaluation.py [--size 256] [--rounds 12]

The networks take turns within one run, because machines are shared and noisy: compare the ratios, not the seconds. "random" is
VGG-19 at full width, so it costs what "imagenet" costs, without its download.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import helpers as nst
from plumbing import ASSETS


class Contiguous(nst.VGG19):
    """The same network with the default memory format."""

    def __init__(self, weights):
        super().__init__(weights)
        self.to(memory_format=torch.contiguous_format)

    def forward(self, image, layers):
        x, features = self.normalize(image), {}
        for name, layer in zip(nst.LAYERS, self.features[: max(map(nst.LAYERS.index, layers)) + 1], strict=False):
            x = layer(x)
            if name in layers:
                features[name] = x
        return features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()

    photo = nst.resize(nst.load_image(ASSETS / "china.jpg", None), (options.size, options.size))
    painting = nst.load_image(ASSETS / "starry_night.jpg", options.size)
    networks = {"pocket": nst.VGG19("pocket"), "VGG-19": nst.VGG19("random"),
                "pocket, contiguous": Contiguous("pocket"), "VGG-19, contiguous": Contiguous("random")}
    objectives = {name: nst.transfer(vgg, photo, painting) for name, vgg in networks.items()}
    image = photo.clone().requires_grad_(True)

    times = {name: [] for name in networks}
    for turn in range(options.rounds + 1):
        for name, objective in objectives.items():
            begin = time.perf_counter()
            sum(objective(image).values()).backward()
            if turn:  # the first turn warms up
                times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{options.size} x {options.size} px, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, median in medians.items():
        print(f"{name:20} {1000 * median:7.1f} ms   {medians['VGG-19'] / median:5.2f} times as fast as VGG-19")


if __name__ == "__main__":
    main()
