"""The command line: paint one photograph in the style of one painting."""

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

from style_transfer import flags, terminal
from style_transfer.settings import (
    ASSETS,
    ONE_PASS,
    PICTURE_SUFFIXES,
    check_count,
    check_seed,
    learning_rate,
)

BLEW_UP = 3  # the exit status of a run whose loss grew instead of falling

EPILOG = """\
what the weights mean:
  The loss is content-weight x (mean squared difference of relu4_2 features) + style-weight x (mean
  over the style layers of the paper's E_l) + tv-weight x (mean squared difference of neighboring
  pixels) + grain-weight x (squared excess of the colors' roughness over 0.75 of the painting's).
  Every filter of the network is scaled to a mean activation of 1 and every term is a mean. Average
  pooling makes the features of deep layers smaller, so the style weight is larger with it.

  Weights of other programs are in other units. PyTorch's tutorial and its many descendants sum the
  MSE of Gram matrices that are divided by channels x positions. For a layer of N channels, that is
  4 / N^2 of E_l. Their 1e6 is 4e6 / N^2 per layer: 977 at relu1_1 (N = 64) and 15 at relu5_1
  (N = 512). They sum over layers where this program averages, so it is five times that here: about
  4900 for the first layer and 76 for the last, on the same features. 500000 is half of that, 2440
  to 38. Features are scaled differently too, so take such a number as a first guess. Lesson 05 has
  the whole table.

exit status:
  0    the files are written.
  2    a mistake, or a file that could not be written; one line says which.
  3    the loss grew tenfold or was no number. The best picture so far is in OUTPUT_best.png.
  130  interrupted before there was a picture. Later, Ctrl-C, SIGTERM or a closed terminal end the
       run, and the picture so far is written.

examples:
  python stylize.py me.jpg painting.jpg
  python stylize.py -c me.jpg -s painting.jpg -o result.png --size 512 --style-weight 800 --gif
  python stylize.py me.jpg street.jpg --blend wave.jpg=0.3 --place sky.png=night.jpg
"""


def parser() -> argparse.ArgumentParser:
    """The flags of this program."""
    parser = flags.Parser(
        prog="stylize.py",
        description="Paint a photograph in the style of a painting.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("pictures", nargs="*", metavar="CONTENT STYLE", help="the photograph and the painting")
    add("-c", "--content", metavar="FILE", help="the photograph (default: the bundled temple)")
    add("-s", "--style", metavar="FILE", help="the painting (default: the bundled Starry Night)")
    add(
        "-o",
        "--output",
        metavar="FILE",
        help="the result, .png or .jpg (default: outputs/CONTENT_STYLE.png, or the same with -2, "
        "-3 and so on, so that no earlier result is lost)",
    )
    add(
        "--gif",
        metavar="FILE",
        nargs="?",
        const="",
        help="write the progress as a GIF, without FILE next to the result",
    )
    add(
        "--panel",
        metavar="FILE",
        nargs="?",
        const="",
        help="write photograph, painting and result side by side, without FILE next to the result",
    )
    flags.add_run_flags(parser)
    flags.add_loss_flags(parser)
    flags.add_control_flags(parser)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs the program and returns its exit status, which --help explains."""
    words = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(flags.with_dashes(words))
    try:
        prepare(options)
        return run(options)
    except KeyboardInterrupt:
        return 130
    except FloatingPointError as error:  # at the start, so there is no picture
        return _mistake(str(error), BLEW_UP)
    except (OSError, ValueError, ArithmeticError) as error:
        return _mistake(str(error))
    except (RuntimeError, MemoryError) as error:
        # Without memory, not even the file that knows torch's words for it can be loaded.
        if not isinstance(error, MemoryError):
            from style_transfer.images import is_out_of_memory

            if not is_out_of_memory(error):
                raise
        smaller = min(getattr(options, "largest", options.size), round(0.7 * options.size))
        return _mistake(f"out of memory at --size {options.size}; try --size {smaller}")


def prepare(options: argparse.Namespace) -> None:
    """Completes the options and checks them, before anything heavy is loaded.

    Raises: ValueError or OSError for what cannot be done.
    """
    _choose_pictures(options)
    if options.steps is not None:
        check_count("--steps", options.steps)
    check_seed(options.seed)
    options.sizes = flags.sizes(options)
    options.strength = flags.one_pass_strength(options)
    if options.method != ONE_PASS:
        learning_rate(options.method, options.lr)
    options.weights = flags.loss_weights(options)
    options.layers = flags.style_layers(options.style_layers)
    options.blends = flags.blends(options.blend)
    options.places = flags.places(options.place)
    if not 0 < options.style_scale < math.inf:
        raise ValueError(f"--style-scale is {options.style_scale:g}; it must be above 0")


def run(options: argparse.Namespace) -> int:
    """Makes the picture and writes what was asked for; returns the exit status."""
    import helpers as nst  # loads torch, so it comes after all checks of the arguments
    from style_transfer import frames

    _name_outputs(options)
    _check_outputs(options)
    photo = nst.load_image(options.content, options.size)
    _warn_if_smaller(photo, options)
    paintings = _load_paintings(photo, options)
    if options.method == ONE_PASS:
        last = _paint_at_once(photo, paintings, options)
        return _save_all([last], photo, paintings, options)
    snapshots = _paint(photo, paintings, options)
    if not snapshots:
        return 130  # interrupted before there was anything to keep
    if options.is_broken or frames.growth(snapshots):
        return _save_best(snapshots, options)
    return _save_all(snapshots, photo, paintings, options)


def _save_all(snapshots: list, photo, paintings: list, options: argparse.Namespace) -> int:
    """Writes picture, GIF and panel; what cannot be written does not keep the others from it."""
    import helpers as nst

    last = snapshots[-1]
    # The picture is on disk before anything is printed, and before anything else can go wrong.
    status, line = _save_picture(last.image, options.output)
    print(_summary(last, options))
    print(line)

    def gif() -> None:
        nst.save_gif(nst.pick_frames(snapshots), options.gif)

    def panel() -> None:
        pictures = (photo, *(style.painting for style in paintings), last.image)
        nst.save_image(nst.side_by_side(*pictures), options.panel)

    for label, path, write in (
        ("progress:", options.gif, gif),
        ("panel:   ", options.panel, panel),
    ):
        if path is None:
            continue
        try:
            write()
            print(f"{label} {path}")
        except Exception as error:  # the picture is safe, and the other file may still succeed
            status = _mistake(f"{path}: was not made ({type(error).__name__}: {error})")
    return status


def _save_picture(image, path: Path) -> tuple[int, str]:
    """Writes the picture where it should be, or where it can be; the status, and a line on it."""
    import helpers as nst
    from style_transfer.files import save_anywhere

    with terminal.uninterrupted():
        place = save_anywhere(lambda path: nst.save_image(image, path), path)
    if place == path:
        return 0, f"picture:  {path}"
    _mistake(f"{path}: could not be written; the picture is at {place}")
    return 2, f"picture:  {place}"


def _save_best(snapshots: list, options: argparse.Namespace) -> int:
    """After a blow-up, writes the picture with the lowest loss under a name of its own."""
    from style_transfer.files import free_name
    from style_transfer.frames import last_stage

    best = min(last_stage(snapshots), key=lambda snapshot: snapshot.loss)
    output = options.output
    path = free_name(output.with_name(f"{output.stem}_best{output.suffix}"))
    _, line = _save_picture(best.image, path)
    print(line)
    return _mistake(
        f"the run blew up, so {output} is not written; {path} is the best picture so far, after "
        f"{best.evaluations} evaluations",
        BLEW_UP,
    )


def _load_paintings(photo, options: argparse.Namespace) -> list:
    """The paintings with their shares and places: the style first, then --blend, then --place."""
    import helpers as nst
    from style_transfer.masks import fit_mask

    rest = round(1 - sum(share for _, share in options.blends), 9)
    styles = [nst.Style(_load_painting(options.style, options), share=rest)]
    for painting, share in options.blends:
        styles.append(nst.Style(_load_painting(painting, options), share=share))
    for file, painting in options.places:
        mask = fit_mask(file, nst.load_mask(file), photo)
        styles.append(nst.Style(_load_painting(painting, options), mask=mask))
    return styles


def _load_painting(file: str, options: argparse.Namespace):
    """A painting at its own scale; says so if the file has fewer pixels than that."""
    import helpers as nst

    size = max(1, round(options.style_scale * options.size))
    painting = nst.load_image(file, size)
    long_side = max(painting.shape[-2:])
    if options.style_scale > 1 and long_side < size:
        print(
            f"note: {file} has {long_side} px, so its style scale is {long_side / options.size:.2g}"
        )
    return painting


def _paint(photo, paintings: list, options: argparse.Namespace) -> list:
    """Prints a forecast, runs to the end with a progress bar, and returns all Snapshots."""
    import helpers as nst
    from style_transfer.steps import check_sides

    subject, styles = _in_colors(photo, paintings, options)
    vgg = _network(options)
    sizes = flags.fitting(options.sizes, max(photo.shape[-2:]))
    stages = nst.stages_for(photo, sizes, options.steps)
    total = sum(stage.evaluations for stage in stages)
    files = [options.style, *(painting for painting, _ in options.blends)]
    files += [painting for _, painting in options.places]
    pictures = dict(zip(files, (style.painting for style in paintings), strict=True))
    check_sides(vgg, {options.content: photo} | pictures, options.layers, stages)
    forecast = nst.forecast(vgg, subject, styles, stages=stages, layers=options.layers)
    options.largest = forecast.largest
    machine = f"the network computes in {vgg.precision} on {vgg.device.type}"
    print(f"forecast: {forecast}; {machine}", flush=True)
    run = nst.stylize(
        subject,
        styles,
        vgg=vgg,
        weights=options.weights,
        layers=options.layers,
        sizes=stages,
        start=options.start,
        method=options.method,
        lr=options.lr,
        generator=nst.seed(options.seed),
    )
    if options.luminance:
        run = _with_colors(run, photo)
    return nst.watch(_noticing(run, options), total=total)


def _paint_at_once(photo, paintings: list, options: argparse.Namespace):
    """Paints without an optimizer, and returns the picture as a Snapshot without losses."""
    import helpers as nst

    subject, styles = _in_colors(photo, paintings, options)
    vgg = _network(options)
    began = time.perf_counter()
    image = nst.paint_at_once(subject, styles, vgg=vgg, strength=options.strength)
    seconds = time.perf_counter() - began
    if options.luminance:
        image = nst.with_colors(image, like=photo)
    return nst.Snapshot(0, seconds, image, {})


def _noticing(run, options: argparse.Namespace):
    """The Snapshots of a run; afterwards `options.is_broken` says if its loss was no number."""
    options.is_broken = False
    try:
        yield from run
    except FloatingPointError:
        options.is_broken = True
        raise


def _in_colors(photo, paintings: list, options: argparse.Namespace) -> tuple:
    """The photograph and the paintings as the run sees them, after the flags for color."""
    import helpers as nst

    if options.luminance:
        gray = nst.luminance(photo)
        return gray, nst.change_paintings(
            paintings, lambda one: nst.recolor(nst.luminance(one), like=gray)
        )
    if options.preserve_color:
        return photo, nst.change_paintings(paintings, lambda one: nst.recolor(one, like=photo))
    return photo, paintings


def _with_colors(run, photo):
    """The Snapshots of a run with the colors of the photograph, at the size of each."""
    import helpers as nst

    for snapshot in run:
        small = nst.resize(photo, tuple(snapshot.image.shape[-2:]))
        yield replace(snapshot, image=nst.with_colors(snapshot.image, like=small))


def _warn_if_smaller(photo, options: argparse.Namespace) -> None:
    """Says so if the photograph has fewer pixels than --size asks for."""
    long_side = max(photo.shape[-2:])
    if long_side < options.size:
        print(f"note: {options.content} has {long_side} px, so the picture has {long_side} px, too")


def _choose_pictures(options: argparse.Namespace) -> None:
    """Takes the two pictures by place or by flag; without any, it takes the bundled pair."""
    if len(options.pictures) not in (0, 2):
        raise ValueError(
            f"{len(options.pictures)} pictures are given by place; give two, CONTENT and STYLE"
        )
    if options.pictures and (options.content or options.style):
        raise ValueError("the pictures are given twice; give them by place, or by -c and -s")
    if options.pictures:
        options.content, options.style = options.pictures
    options.content = options.content or str(ASSETS / "china.jpg")
    options.style = options.style or str(ASSETS / "starry_night.jpg")


def _name_outputs(options: argparse.Namespace) -> None:
    """Turns the outputs into paths. Without a path, no file is named that is there already."""
    from style_transfer.files import free_name

    name = f"{Path(options.content).stem}_{Path(options.style).stem}.png"
    output = Path(options.output) if options.output else free_name(Path("outputs") / name)
    options.output = output
    options.gif = _beside(output, options.gif, ".gif")
    options.panel = _beside(output, options.panel, "_panel.png")


def _beside(output: Path, given: str | None, ending: str) -> Path | None:
    """The path that a flag gave; a flag without a path gets one named after the result."""
    if given is None:
        return None
    if given == "":
        return output.with_name(output.stem + ending)
    return Path(given)


def _check_outputs(options: argparse.Namespace) -> None:
    """Raises ValueError or OSError if an output cannot be written, or is another file, too."""
    import helpers as nst
    from style_transfer.files import prepare_output

    named = [options.content, options.style]
    named += [painting for painting, _ in options.blends]
    named += [file for pair in options.places for file in pair]
    files = [Path(nst.bundled().get(str(file), file)).resolve() for file in named]
    taken = dict.fromkeys(files, "one of the pictures that go in")
    outputs = (
        (options.output, PICTURE_SUFFIXES),
        (options.gif, (".gif",)),
        (options.panel, PICTURE_SUFFIXES),
    )
    for path, suffixes in outputs:
        if path is None:
            continue
        prepare_output(path, suffixes)
        if path.resolve() in taken:
            raise ValueError(
                f"{path}: is {taken[path.resolve()]}; give each file a name of its own"
            )
        taken[path.resolve()] = "another file that goes out"


def _network(options: argparse.Namespace):
    """The network on the fastest device, in the precision that the flags ask for."""
    import helpers as nst

    return nst.ready_network(
        options.network,
        pooling=options.pooling,
        padding=options.padding,
        precision=options.precision,
    )


def _summary(last, options: argparse.Namespace) -> str:
    """What the run cost and came to, in one or two lines."""
    if options.method == ONE_PASS:
        return f"one pass in {last.seconds:.2f} s at strength {options.strength:g}"
    if last.loss:
        parts = [f"{term} {value / last.loss:.1%}" for term, value in last.losses.items()]
        shares = ", ".join(parts)
    else:
        shares = "all 0"
    line = (
        f"{last.evaluations} evaluations in {last.seconds:.1f} s; "
        f"loss {last.loss:.4g}, of which {shares}"
    )
    if options.content_weight and last.losses["content"] < 0.1 * last.loss:
        line += (
            "\nnote: content is under 10% of the loss, so the photograph hardly counts; "
            "--help says what weights mean here"
        )
    return line


def _mistake(message: str, status: int = 2) -> int:
    print(f"stylize.py: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(terminal.run(main))
