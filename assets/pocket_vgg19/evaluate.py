"""Measure a pocket network against its teachers, and as a stand-in for them. The figures in README.md come from here.

    python assets/pocket_vgg19/evaluate.py --photos PHOTOS --held-out OTHERS --teacher TEACHER

1. Explained variance: for each layer the best linear map (1x1, with a constant) from the student's features to the teacher's
   is fitted on 40 photographs of PHOTOS and judged on all of OTHERS: 1 - squared error / variance, over all channels.
2. Stand-in: pictures are optimized with the pocket network and with random weights, and both are judged by the teacher's
   style loss at relu1_1, relu2_1 and relu3_1, each filter scaled to a mean activation of 1. The teacher takes no part in the
   optimization, so a lower loss means that the student asks for what the teacher would have asked for.

TEACHER is as in train.py.
"""

import argparse

import torch
from train import NAMES, folder_teacher, linear_maps, read_folder, rows, torchvision_teacher, with_ones

import helpers as nst
from plumbing import ASSETS, bundled_photographs

JUDGED = ("1_1", "2_1", "3_1")
PAIRS = (("china", "starry_night"), ("chelsea", "hokusai_great_wave"), ("coffee", "van_gogh_village_street_in_auvers"),
         ("astronaut", "kandinsky_composition_viii"))


@torch.no_grad()
def explained_variance(student: nst.VGG19, teach, photos, held_out) -> dict[str, float]:
    """Layer -> explained variance on `held_out` of the linear map fitted on `photos`."""

    def pairs(pictures):
        for picture in pictures:
            image = picture[None].float() / 255
            ours, theirs = student(image, [f"relu{name}" for name in NAMES]), teach(image)
            for name in NAMES:
                yield name, with_ones(rows(ours[f"relu{name}"])), rows(theirs[name])

    maps = linear_maps(pairs(photos), 1e-8)
    error, count, total, squares = ({name: 0.0 for name in NAMES} for _ in range(4))
    for name, x, y in pairs(held_out):
        error[name] += (y - x @ maps[name]).square().sum()
        count[name] += len(y)
        total[name] += y.sum(0)
        squares[name] += y.square().sum(0)
    return {name: 1 - (error[name] / (squares[name] - total[name] ** 2 / count[name]).sum()).item() for name in NAMES}


@torch.no_grad()
def judge(teach):
    """A function (image, painting) -> layer -> E_l of the teacher, its filters scaled as ours are."""
    totals = {}
    for image in bundled_photographs():
        for name, features in teach(image).items():
            totals.setdefault(name, []).append(features.flatten(2).mean(2))
    scales = {name: torch.cat(means).mean(0).clamp(min=1e-6).view(1, -1, 1, 1) for name, means in totals.items()}

    @torch.no_grad()
    def style(image, painting):
        ours, theirs = teach(image), teach(painting)
        return {name: nst.style_loss({name: nst.gram_matrix(ours[name] / scales[name])},
                                     {name: nst.gram_matrix(theirs[name] / scales[name])}).item() for name in JUDGED}

    return style


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="folder of photographs to fit the linear maps on")
    parser.add_argument("--held-out", required=True, help="folder of photographs that training never saw")
    parser.add_argument("--teacher", required=True, help='"torchvision", or a folder with the two teacher files')
    parser.add_argument("--weights", default="pocket", help="the network to measure (%(default)s)")
    parser.add_argument("--size", type=int, default=160, help="long side of the pictures of part 2 (%(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="evaluations of part 2 (%(default)s)")
    options = parser.parse_args()
    teach = torchvision_teacher() if options.teacher == "torchvision" else folder_teacher(options.teacher)
    student = nst.VGG19(options.weights)

    print("explained variance on", options.held_out)
    variance = explained_variance(student, teach, read_folder(options.photos)[:40], read_folder(options.held_out))
    for name, value in variance.items():
        print(f"  relu{name}  {value:.4f}")

    print(f"the teacher's style loss after {options.steps} evaluations at {options.size} px, optimized with")
    print(f"  {'':52}{'start':>9}{options.weights[-9:]:>10}{'random':>9}{'ratio':>8}   by layer")
    style, random = judge(teach), nst.VGG19("random")
    for photo, painting in PAIRS:
        images = [nst.load_image(ASSETS / f"{name}.jpg", options.size) for name in (photo, painting)]
        losses = [style(nst.recolor(*images), images[1])]
        for vgg in (student, random):
            *_, last = nst.stylize(*images, vgg=vgg, steps=options.steps)
            losses.append(style(last.image, images[1]))
        start, ours, others = (sum(loss.values()) / len(JUDGED) for loss in losses)
        by_layer = "  ".join(f"{name} {losses[1][name] / losses[2][name]:.2f}" for name in JUDGED)
        print(f"  {photo + ' + ' + painting:52}{start:9.3f}{ours:10.3f}{others:9.3f}{ours / others:8.2f}   {by_layer}", flush=True)


if __name__ == "__main__":
    main()
