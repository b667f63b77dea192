"""The contents page of neural style transfer: all that the lessons import, as `nst`.

The order is the order of the walk: image > tensor > features > Grams > losses > steps > frames.
Each part has a file of its own in `style_transfer/`, and each docstring names the lesson that
builds the function from nothing. To see how a part works, open its file.
"""

# Lesson 01, style_transfer/images.py: picture file <-> tensor
from style_transfer.images import (
    bundled,
    device,
    device_named,
    fit,
    from_pil,
    load_image,
    luminance,
    noise_like,
    recolor,
    resize,
    save_image,
    seed,
    show,
    side_by_side,
    to_pil,
    with_colors,
)

# Lesson 10, style_transfer/masks.py and paintings.py: where each painting acts, and how much
from style_transfer.masks import (
    brightness_mask,
    carry_mask,
    color_mask,
    gradient_mask,
    load_mask,
    rectangle_mask,
    soften_mask,
)
from style_transfer.paintings import Style, change_paintings, regions_of

# Lessons 02 and 06, style_transfer/features.py: VGG-19 and its layers
from style_transfer.features import LAYERS, MEAN, STD, VGG19, native_precision, ready_network

# Lessons 03, 04, 05 and 10, style_transfer/losses.py: Gram matrices, losses and objectives
from style_transfer.losses import (
    chroma_grain,
    content_loss,
    distances,
    gram_loss,
    gram_matrix,
    grain_loss,
    guided_gram,
    layer_weights,
    mix_grams,
    reconstruction,
    style_loss,
    texture,
    transfer,
    tv_loss,
    weigh,
)

# Lesson 12, style_transfer/one_pass.py: features with a painting's statistics, and back to pixels
from style_transfer.one_pass import (
    Decoder,
    adain,
    encode,
    load_decoder,
    match,
    mix,
    new_decoder,
    one_pass,
    statistics,
)

# Lessons 03, 07 and 08, style_transfer/steps.py: the loop that moves the pixels
from style_transfer.steps import (
    RANGE_PENALTY,
    Snapshot,
    enlarge,
    first_image,
    optimize,
    paint_at_once,
    stages_for,
    stylize,
)

# Lesson 08, style_transfer/frames.py: watch a run and keep it
from style_transfer.frames import pick_frames, plot_losses, save_gif, watch

# Lesson 00, style_transfer/forecast.py: minutes and memory beforehand
from style_transfer.forecast import forecast

# All lessons, style_transfer/settings.py: words and default values
from style_transfer.settings import ASSETS, CONTENT_LAYER, OUTPUTS, STYLE_LAYERS, Weights

# All lessons, style_transfer/display.py: figures in a notebook
from style_transfer.display import show_figure, show_gif, use_jpeg_figures
