"""How long does one evaluation of the loss and its gradient take, network by network?

    python -m benchmarks.evaluation [--size 256] [--rounds 12]

The networks take turns within one run, because machines are shared and noisy. Compare the ratios,
not the seconds. "VGG-19" has random weights at full width, so it costs what "imagenet" costs,
without its download. "contiguous" keeps the channels first in memory, where the project keeps
them last.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor

import helpers as nst


class Contiguous(nst.VGG19):
    """The same network with torch's default memory format."""

    def __init__(self, network):
        super().__init__(network)
        self.to(memory_format=torch.contiguous_format)

    def forward(self, image: Tensor, layers) -> dict[str, Tensor]:
        """As VGG19.forward, without the copy to channels-last."""
        depth = max(nst.LAYERS.index(name) for name in layers)
        x = self.normalize(image)
        features = {}
        for index in range(depth + 1):
            x = self.features[index](x)
            if nst.LAYERS[index] in layers:
                features[nst.LAYERS[index]] = x
        return features


def measure(objectives: dict, image: Tensor, rounds: int) -> dict[str, float]:
    """The median seconds of one evaluation per objective; the objectives take turns."""
    times = {name: [] for name in objectives}
    for turn in range(rounds + 1):
        for name, objective in objectives.items():
            begin = time.perf_counter()
            sum(objective(image).values()).backward()
            if turn:  # the first turn warms up
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measures and prints one line per network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()

    photo = nst.resize(nst.load_image("china", None), (options.size, options.size))
    painting = nst.load_image("starry_night", options.size)
    networks = {
        "pocket": nst.VGG19("pocket"),
        "VGG-19": nst.VGG19("random"),
        "pocket, contiguous": Contiguous("pocket"),
        "VGG-19, contiguous": Contiguous("random"),
    }
    objectives = {name: nst.transfer(vgg, photo, painting) for name, vgg in networks.items()}
    medians = measure(objectives, photo.clone().requires_grad_(True), options.rounds)

    size = f"{options.size} x {options.size} px"
    print(f"{size}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, median in medians.items():
        ratio = medians["VGG-19"] / median
        print(f"{name:20} {1000 * median:7.1f} ms   {ratio:5.2f} times as fast as VGG-19")


if __name__ == "__main__":
    main()
