"""Common wrong answers to the exercises of lesson 11. Each gets a hint of its own."""

import contextlib
import itertools
import math

import torch

import helpers as nst


def weight_on_a_linear_slider(position, low, high):
    return low + position * (high - low)


def weight_from_exponents(position, low, high):
    return 10 ** (low + position * (high - low))


def weight_by_exp_of_the_ends(position, low, high):
    return math.exp(low + position * (high - low))


def weight_without_the_ratio(position, low, high):
    return low * high**position


def weight_without_the_low_end(position, low, high):
    return (high / low) ** position


def weight_with_the_low_end_added(position, low, high):
    return low + (high / low) ** position


def weight_from_the_high_end(position, low, high):
    return high * (low / high) ** position


def weight_of_the_squared_position(position, low, high):
    return low * (high / low) ** position**2


def weight_as_a_logarithm(position, low, high):
    return math.log10(low) + position * math.log10(high / low)


def weight_in_whole_numbers(position, low, high):
    return round(low * (high / low) ** position)


def weight_with_two_places(position, low, high):
    return round(low * (high / low) ** position, 2)


def weight_linear_above_the_middle(position, low, high):
    middle = math.sqrt(low * high)
    if position <= 0.5:
        return low * (high / low) ** position
    return middle + (2 * position - 1) * (high - middle)


def weight_at_three_positions(position, low, high):
    return {0.0: low, 0.5: math.sqrt(low * high), 1.0: high}.get(position, low)


def weight_as_text(position, low, high):
    return f"{low * (high / low) ** position:.3f}"


def weight_without_a_return(position, low, high):
    low * (high / low) ** position


def drawn_every_second(times, gap):
    return times[::2]


def drawn_by_the_evaluation_before(times, gap):
    later = [after for before, after in itertools.pairwise(times) if after - before >= gap]
    return times[:1] + later


def drawn_on_a_grid(times, gap):
    kept = times[:1]
    for before, now in itertools.pairwise(times):
        if gap and now // gap > before // gap:
            kept.append(now)
    return kept


def drawn_after_more_than_the_gap(times, gap):
    kept = []
    for time in times:
        if not kept or time - kept[-1] > gap:
            kept.append(time)
    return kept


def drawn(times, gap):
    """The right answer, which the wrong ones below change."""
    kept = []
    for time in times:
        if not kept or time - kept[-1] >= gap:
            kept.append(time)
    return kept


def drawn_as_places(times, gap):
    return [times.index(time) for time in drawn(times, gap)]


def drawn_without_the_first(times, gap):
    return drawn(times, gap)[1:]


def drawn_and_the_last_always(times, gap):
    kept = drawn(times, gap)
    return kept if kept[-1:] == times[-1:] else [*kept, times[-1]]


def drawn_as_a_number(times, gap):
    return len(drawn(times, gap))


def drawn_with_the_gap_of_the_example(times, gap):
    return drawn(times, 0.5)


def drawn_from_the_list_that_is_emptied(times, gap):
    kept = []
    while times:
        time = times.pop(0)
        if not kept or time - kept[-1] >= gap:
            kept.append(time)
    return kept


def drawn_by_removing_from_the_list(times, gap):
    times[:] = drawn(times, gap)
    return times


def drawn_without_the_empty_list(times, gap):
    last = times[0]
    kept = [last]
    for time in times[1:]:
        if time - last >= gap:
            kept.append(time)
            last = time
    return kept


def drawn_all(times, gap):
    return list(times)


def drawn_without_a_return(times, gap):
    drawn(times, gap)


# ------------------------------------------------------------------------------ whole_program

MEAN = torch.tensor(nst.MEAN).view(1, 3, 1, 1)
STD = torch.tensor(nst.STD).view(1, 3, 1, 1)
CONTENT = nst.LAYERS.index(nst.CONTENT_LAYER)
STYLE = [nst.LAYERS.index(layer) for layer in nst.STYLE_LAYERS]


def walked(features, image, *, normalized=True):
    """The outputs of all layers, by index."""
    x = image
    if normalized:
        x = (image - MEAN) / STD
    outputs = []
    for layer in features:
        x = layer(x)
        outputs.append(x)
    return outputs


def gram(x):
    flat = x[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def joined(content, styles, weight):
    return content + weight * sum(styles) / len(styles) / 4


def transferred(
    features,
    photo,
    painting,
    weight,
    evaluations,
    *,
    walk=walked,
    gram=gram,
    join=joined,
    style_layers=STYLE,
    content_layer=CONTENT,
    constant=torch.no_grad,
    clear=True,
    retain=False,
    lr=0.03,
    clip=torch.no_grad,
    start=torch.clone,
    also_moved=(),
):
    """The right answer, which the wrong ones below change in one place each."""
    image = start(photo).requires_grad_(True)
    optimizer = torch.optim.Adam([image, *also_moved], lr=lr)
    with constant():
        target = walk(features, photo)[content_layer]
        outputs = walk(features, painting)
        targets = [gram(outputs[index]) for index in style_layers]
    for _ in range(evaluations):
        outputs = walk(features, image)
        content = (outputs[content_layer] - target).square().mean()
        styles = []
        for index, wanted in zip(style_layers, targets, strict=True):
            styles.append((gram(outputs[index]) - wanted).square().mean())
        if clear:
            optimizer.zero_grad()
        join(content, styles, weight).backward(retain_graph=retain)
        optimizer.step()
        if clip is not None:
            with clip():
                image.clamp_(0, 1)
    return image.detach()


def targets_not_detached(*arguments):
    return transferred(*arguments, constant=contextlib.nullcontext)


def targets_not_detached_but_retained(*arguments):
    return transferred(*arguments, constant=contextlib.nullcontext, retain=True)


def grams_not_normalized(*arguments):
    return transferred(*arguments, gram=lambda x: x[0].flatten(1) @ x[0].flatten(1).T)


def grams_divided_by_the_channels_too(*arguments):
    return transferred(*arguments, gram=lambda x: gram(x) / x.shape[1])


def network_in_the_optimizer(features, *arguments):
    return transferred(features, *arguments, also_moved=list(features.parameters()))


def range_left(*arguments):
    return transferred(*arguments, clip=None)


def clipped_while_gradients_are_recorded(*arguments):
    return transferred(*arguments, clip=contextlib.nullcontext)


def losses_that_grow(*arguments):
    return transferred(*arguments, join=lambda *terms: -joined(*terms))


def losses_that_hardly_fall(*arguments):
    return transferred(*arguments, lr=1e-4)


def photo_moved(*arguments):
    return transferred(*arguments, start=lambda photo: photo)


def image_not_a_leaf(*arguments):
    return transferred(*arguments, start=lambda photo: photo.clone().requires_grad_(True) * 1)


def no_style(*arguments):
    return transferred(*arguments, join=lambda content, styles, weight: content)


def no_content(*arguments):
    return transferred(*arguments, join=lambda content, styles, weight: joined(0, styles, weight))


def no_weight(*arguments):
    return transferred(*arguments, join=lambda content, styles, weight: joined(content, styles, 1))


def styles_added(*arguments):
    return transferred(*arguments, join=lambda content, styles, weight: joined(
        content, styles, len(styles) * weight))  # fmt: skip


def no_quarter(*arguments):
    return transferred(*arguments, join=lambda content, styles, weight: joined(
        content, styles, 4 * weight))  # fmt: skip


def one_style_layer(*arguments):
    return transferred(*arguments, style_layers=STYLE[:1])


def one_style_layer_missing(*arguments):
    return transferred(*arguments, style_layers=STYLE[:-1])


def layers_of_convolutions(*arguments):
    before = [index - 1 for index in STYLE]
    return transferred(*arguments, style_layers=before, content_layer=CONTENT - 1)


def content_of_another_layer(*arguments):
    return transferred(*arguments, content_layer=CONTENT - 2)


def style_of_convolutions(*arguments):
    return transferred(*arguments, style_layers=[index - 1 for index in STYLE])


def pictures_normalized_by_half(*arguments):
    def walk(features, image):
        return walked(features, image - MEAN, normalized=False)

    return transferred(*arguments, walk=walk)


def painting_resized(features, photo, painting, *arguments):
    smaller = torch.nn.functional.interpolate(painting, photo.shape[2:])
    return transferred(features, photo, smaller, *arguments)


def pictures_not_normalized(*arguments):
    def walk(features, image):
        return walked(features, image, normalized=False)

    return transferred(*arguments, walk=walk)


def gradients_not_cleared(*arguments):
    return transferred(*arguments, clear=False)


def features_compared_without_grams(*arguments):
    return transferred(*arguments, gram=lambda x: x)


def evaluations_that_are_steps_of_lbfgs(features, photo, painting, weight, evaluations):
    return transferred(features, photo, painting, weight, 20 * evaluations)


def evaluations_in_half(features, photo, painting, weight, evaluations):
    return transferred(features, photo, painting, weight, evaluations // 2)


def grams_of_the_library(*arguments):
    return transferred(*arguments, gram=lambda x: nst.gram_matrix(x)[0])


def start_returned(features, photo, *arguments):
    transferred(features, photo, *arguments)
    return photo.clone()


def image_with_its_graph(*arguments):
    return transferred(*arguments).requires_grad_(True)


def picture_not_returned(*arguments):
    transferred(*arguments)


MISTAKES = {
    "log_slider": [
        weight_on_a_linear_slider,
        weight_from_exponents,
        weight_by_exp_of_the_ends,
        weight_without_the_ratio,
        weight_without_the_low_end,
        weight_with_the_low_end_added,
        weight_from_the_high_end,
        weight_of_the_squared_position,
        weight_as_a_logarithm,
        weight_in_whole_numbers,
        weight_with_two_places,
        weight_linear_above_the_middle,
        weight_at_three_positions,
        weight_as_text,
        weight_without_a_return,
    ],
    "draw_times": [
        drawn_every_second,
        drawn_by_the_evaluation_before,
        drawn_on_a_grid,
        drawn_after_more_than_the_gap,
        drawn_as_places,
        drawn_without_the_first,
        drawn_and_the_last_always,
        drawn_as_a_number,
        drawn_with_the_gap_of_the_example,
        drawn_from_the_list_that_is_emptied,
        drawn_by_removing_from_the_list,
        drawn_without_the_empty_list,
        drawn_all,
        drawn_without_a_return,
    ],
    "whole_program": [
        targets_not_detached,
        targets_not_detached_but_retained,
        grams_not_normalized,
        grams_divided_by_the_channels_too,
        network_in_the_optimizer,
        range_left,
        clipped_while_gradients_are_recorded,
        losses_that_grow,
        losses_that_hardly_fall,
        photo_moved,
        image_not_a_leaf,
        no_style,
        no_content,
        no_weight,
        styles_added,
        no_quarter,
        one_style_layer,
        one_style_layer_missing,
        layers_of_convolutions,
        content_of_another_layer,
        style_of_convolutions,
        pictures_normalized_by_half,
        painting_resized,
        pictures_not_normalized,
        gradients_not_cleared,
        features_compared_without_grams,
        evaluations_that_are_steps_of_lbfgs,
        evaluations_in_half,
        grams_of_the_library,
        start_returned,
        image_with_its_graph,
        picture_not_returned,
    ],
}
