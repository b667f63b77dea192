"""The command line: paint one photograph in the style of one painting."""

import argparse
import math
import sys
import time
from pathlib import Path

from style_transfer import flags, terminal
from style_transfer.settings import ASSETS, ONE_PASS, PICTURE_SUFFIXES, check_count

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
  2    a mistake, a file that could not be written, or too little memory; one line says which. If
       the memory ran out at a larger size, the picture of the size before it is written.
  3    the loss grew tenfold or was no number. The best picture so far is in OUTPUT_best.png.
  130  interrupted before there was a picture. Later, Ctrl-C, SIGTERM or a closed terminal end the
       run, and the picture so far is written.

examples:
  python stylize.py me.jpg painting.jpg
  python stylize.py -c me.jpg -s painting.jpg -o result.png --size 512 --style-weight 800 --gif
  python stylize.py me.jpg street.jpg --blend wave.jpg=0.3 --place sky.png=night.jpg
  python stylize.py me.jpg painting.jpg --start result.png --steps 60 --every 20
"""


def parser() -> flags.Parser:
    """The flags of this program."""
    parser = flags.Parser(
        "stylize.py",
        "style-transfer",
        description="Paint a photograph in the style of a painting.",
        epilog=EPILOG,
    )
    add = parser.add_argument
    add("pictures", nargs="*", metavar="CONTENT STYLE", help="the photograph and the painting")
    add("-c", "--content", metavar="FILE", help="the photograph (default: the bundled temple)")
    add("-s", "--style", metavar="FILE", help="the painting (default: the bundled Starry Night)")
    _add_output_flags(parser)
    flags.add_run_flags(parser)
    flags.add_device_flag(parser)
    flags.add_loss_flags(parser)
    flags.add_control_flags(parser)
    return parser


def _add_output_flags(parser: flags.Parser) -> None:
    add = parser.add_argument
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
        help="write photograph, painting and result side by side with their names, without FILE "
        "next to the result",
    )
    add(
        "--every",
        type=int,
        metavar="N",
        help="write the picture after each N evaluations, too, next to the result: with 50 as "
        "OUTPUT_0050.png, OUTPUT_0100.png and so on",
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs the program and returns its exit status, which --help explains."""
    options = parser().read(arguments)
    try:
        prepare(options)
        return run(options)
    except KeyboardInterrupt:
        return terminal.INTERRUPTED
    except FloatingPointError as error:  # at the start, so there is no picture
        from style_transfer.results import BLEW_UP

        return flags.mistake(options, str(error), BLEW_UP)
    except Exception as error:
        if terminal.is_out_of_memory(error):
            loaded = "helpers" in sys.modules
            return flags.mistake(options, _too_large(options) if loaded else terminal.NO_MEMORY)
        if isinstance(error, (OSError, ValueError, ArithmeticError)):
            return flags.mistake(options, str(error))
        raise


def _too_large(options: argparse.Namespace) -> str:
    """That the memory ran out, and a size that fits, as the forecast knows it."""
    smaller = min(getattr(options, "largest", options.size), round(0.7 * options.size))
    return f"out of memory at --size {options.size}; try --size {smaller}"


def prepare(options: argparse.Namespace) -> None:
    """Completes the options and checks them, before anything heavy is loaded.

    Raises: ValueError or OSError for what cannot be done.
    """
    _choose_pictures(options)
    flags.check(options)
    flags.check_start(options.start, files=True)
    flags.check_device(options.device)
    if options.every is not None:
        check_count("--every", options.every)
    options.strength = flags.one_pass_strength(options)
    options.size_list = flags.sizes(options)
    options.weights = flags.loss_weights(options)
    options.layers = flags.style_layers(options.style_layers)
    options.blends = flags.blends(options.blend)
    options.places = flags.places(options.place)
    if not 0 < options.style_scale < math.inf:
        raise ValueError(f"--style-scale is {options.style_scale:g}; it must be above 0")


def run(options: argparse.Namespace) -> int:
    """Makes the picture and writes what was asked for; returns the exit status."""
    import helpers as nst  # loads torch, so it comes after all checks of the arguments
    from style_transfer import frames, inputs, results, steps

    options.status = 0  # a file that cannot be written changes it
    options.broken = None  # the error that ends a run
    with flags.said_of("--style-layers"):
        steps.known_layers(options.layers)
    with flags.said_of("--device"):
        options.where = nst.device_named(options.device)
    _name_outputs(options)
    _check_outputs(options)
    photo = inputs.load_photo(options)
    paintings = inputs.load_paintings(photo, options)
    options.first = inputs.load_start(photo, options)
    if options.method == ONE_PASS:
        snapshots = [_paint_at_once(photo, paintings, options)]
    else:
        snapshots = _paint(photo, paintings, options)
        if not snapshots:
            return terminal.INTERRUPTED  # before there was anything to keep
        if isinstance(options.broken, FloatingPointError) or frames.growth(snapshots):
            return results.save_best(snapshots, options)
    # The picture is on disk before anything is printed, and before anything else can go wrong.
    last = snapshots[-1]
    line = results.save_picture(last.image, options.output, options)
    print(results.summary(last, options))
    print(line)
    names = [Path(file).stem for file in (options.content, *inputs.painting_files(options))]
    images = [photo, *(style.painting for style in paintings), last.image]
    results.save_extras(snapshots, list(zip([*names, "result"], images, strict=True)), options)
    if options.broken is not None:
        words = f"{_too_large(options)}; {options.output} has {last.size} px"
        options.status = flags.mistake(options, words)
    return options.status


def _paint(photo, paintings: list, options: argparse.Namespace) -> list:
    """Prints a forecast, runs to the end with a progress bar, and returns all Snapshots."""
    import helpers as nst
    from style_transfer import inputs, results

    subject, styles = inputs.in_colors(photo, paintings, options)
    vgg = _network(options)
    stages = _stages(vgg, photo, paintings, options)
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
        start=options.first,
        method=options.method,
        lr=options.lr,
        every=results.snapshot_every(options.every),
        generator=nst.seed(options.seed),
    )
    if options.luminance:
        run = inputs.colored(run, photo)
    run = results.numbered(_noticing(run, options), options)
    return nst.watch(run, total=sum(stage.evaluations for stage in stages))


def _stages(vgg, photo, paintings: list, options: argparse.Namespace) -> tuple:
    """The stages of the run. Raises: ValueError, with the file's name, for too small pictures."""
    import helpers as nst
    from style_transfer import inputs
    from style_transfer.steps import check_sides

    sizes = flags.fitting(options.size_list, max(photo.shape[-2:]))
    if options.steps is not None:
        flags.check_steps(options.steps, len(nst.stages_for(photo, sizes, None)))
    stages = nst.stages_for(photo, sizes, options.steps)
    images = [style.painting for style in paintings]
    pictures = dict(zip(inputs.painting_files(options), images, strict=True))
    check_sides(vgg, {options.content: photo} | pictures, options.layers, stages)
    return stages


def _paint_at_once(photo, paintings: list, options: argparse.Namespace):
    """Paints without an optimizer, and returns the picture as a Snapshot without losses."""
    import helpers as nst
    from style_transfer import inputs

    subject, styles = inputs.in_colors(photo, paintings, options)
    vgg = _network(options)
    began = time.perf_counter()
    image = nst.paint_at_once(subject, styles, vgg=vgg, strength=options.strength)
    seconds = time.perf_counter() - began
    if options.luminance:
        image = nst.with_colors(image, like=photo)
    return nst.Snapshot(0, seconds, image, {})


def _noticing(run, options: argparse.Namespace):
    """The Snapshots of a run; an error that ends it is kept as `options.broken`."""
    try:
        yield from run
    except Exception as error:
        # Without its traceback, which would keep the memory of the failed evaluation.
        options.broken = error.with_traceback(None)
        raise


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
    from style_transfer.files import prepare_output
    from style_transfer.inputs import files_that_go_in

    taken = dict.fromkeys(files_that_go_in(options), "one of the pictures that go in")
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
    """The network on the device and in the precision that the flags ask for."""
    import helpers as nst

    return nst.ready_network(
        options.network,
        pooling=options.pooling,
        padding=options.padding,
        precision=options.precision,
        where=options.where,
    )


def command() -> int:
    """The command `style-transfer`, and what `python stylize.py` does."""
    return terminal.run(main)


if __name__ == "__main__":
    sys.exit(command())
