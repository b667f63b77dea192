"""Losses: Gram matrices, the distances of an image from its targets, and their weighted sum.

`distances` measures an image, `weigh` multiplies by weights, and an objective is the two
together. An objective takes an image and returns its loss as named, weighted terms. Their sum is
minimized.

Sources: Gatys, Ecker, Bethge, "A Neural Algorithm of Artistic Style" (arXiv:1508.06576) and "Image
Style Transfer Using Convolutional Neural Networks" (CVPR 2016).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from style_transfer.fast_gram import fast_gram_matrix
from style_transfer.features import LAYERS, VGG19
from style_transfer.masks import carry_mask, fit_mask
from style_transfer.paintings import Paintings, Region, Style, regions_of
from style_transfer.settings import CONTENT_LAYER, STYLE_LAYERS, Weights, check_weight

Objective = Callable[[Tensor], dict[str, Tensor]]
StyleLayers = Iterable[str] | Mapping[str, float]


# The chroma channels Cb and Cr of RGB, as JPEG defines them (ITU-R BT.601).
CHROMA = ((-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))

GRAIN_LIMIT = 0.75  # a result may have this share of the painting's chroma grain without a loss
LEAST_GRAIN = 1 / 255  # a painting with less, as a gray one, counts as if it had one gray level


# ------------------------------------------------------------------------------ one loss at a time


def gram_matrix(features: Tensor) -> Tensor:
    """Features (B, C, H, W) -> Gram matrices (B, C, C): how channels are active together.

    G_ij = 1 / (H W) * sum_k F_ik F_jk, a mean over the positions k. Source: Gatys et al. 2016,
    equation 3, divided by the number of positions, so that pictures of any two sizes can be
    compared. Built in: 04_gram_matrices.
    """
    flat = features.flatten(2)  # (B, C, H*W): one row per channel
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def guided_gram(features: Tensor, mask: Tensor) -> Tensor:
    """Features (B, C, H, W) and a mask -> Gram matrices (B, C, C) of the place that it marks.

    G_ij = sum_k m_k F_ik F_jk / sum_k m_k, a mean over the positions k with the weights m_k. The
    mask (1, 1, any height, any width) is carried to the size of the features. With a mask of ones
    it is `gram_matrix`. Source: Gatys et al. 2017 (arXiv:1611.07865), section 4, where the features
    are multiplied by T; here T is the square root of the mask. Built in: 10_control.
    """
    weights = carry_mask(mask.to(features), features.shape[-2:])
    return fast_gram_matrix(features * weights.sqrt()) / weights.mean()


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """The mean squared difference of two feature tensors of one shape, as a scalar.

    Source: Gatys et al. 2016, equation 1, times 2 / (N M) for N channels and M positions. It is a
    mean instead of half a sum, so its weight does not depend on the image's size. Built in:
    03_content. Raises: ValueError if the shapes differ.
    """
    if features.shape != target.shape:
        raise ValueError(
            f"features are {tuple(features.shape)} and target {tuple(target.shape)}; content "
            "compares position with position: give the image the photograph's size"
        )
    return (features - target).square().mean()


def gram_loss(gram: Tensor, target: Tensor) -> Tensor:
    """The style loss E_l of one layer: a quarter of the mean squared difference of Gram matrices.

    Our Gram matrices are divided by H W, so this is the paper's 1 / (4 N^2 M^2) * sum (G - A)^2.
    Source: Gatys et al. 2016, equation 4. Built in: 05_losses.
    """
    return (gram - target).square().mean() / 4


def style_loss(
    grams: dict[str, Tensor],
    targets: dict[str, Tensor],
    weights: Mapping[str, float] | None = None,
) -> Tensor:
    """The sum over layers of w_l E_l, as a scalar; `grams` and `targets` map layers to (B, C, C).

    `weights` are the w_l, used as given; None means 1 / (number of layers) for each.
    Source: Gatys et al. 2016, equation 5. Built in: 05_losses.
    Raises: ValueError if the layers differ.
    """
    if grams.keys() != targets.keys():
        raise ValueError(
            f"grams are of {', '.join(grams)} and targets of {', '.join(targets)}; "
            "use the same layers for both"
        )
    weights = layer_weights(list(grams) if weights is None else weights)
    if weights.keys() != grams.keys():
        raise ValueError(
            f"weights are for {', '.join(weights)} and grams of {', '.join(grams)}; "
            "use the same layers for both"
        )
    return sum(weights[layer] * gram_loss(grams[layer], targets[layer]) for layer in grams)


def region_loss(features: Tensor, mask: Tensor | None, target: Tensor) -> Tensor:
    """The style loss of one layer in one region: E_l there, times the area of the region.

    The area is the mean of the mask, so a pixel counts as much in a small region as in a large one.
    `mask` None is the whole picture. Built in: 10_control.
    """
    if mask is None:
        return gram_loss(fast_gram_matrix(features), target)
    return mask.mean() * gram_loss(guided_gram(features, mask), target)


def tv_loss(image: Tensor) -> Tensor:
    """Total variation: the sum of squared differences of neighboring pixels, per number.

    Horizontal and vertical neighbors are two separate terms (the anisotropic kind). The squared
    kind has a slope everywhere, which L-BFGS needs. It is not in the paper; it quiets single
    pixels that differ from their neighbors. Built in: 09_artifacts.
    """
    horizontal = (image[..., :, 1:] - image[..., :, :-1]).square().sum()
    vertical = (image[..., 1:, :] - image[..., :-1, :]).square().sum()
    return (horizontal + vertical) / image.numel()


def chroma_grain(image: Tensor) -> Tensor:
    """How rough an image's colors are from pixel to pixel, as a scalar.

    The root mean square of the 4-neighbor Laplacian of the two chroma channels, Cb and Cr.
    Brightness does not count, so the painter's strokes and outlines do not either. Built in:
    09_artifacts.
    """
    chroma = torch.einsum("kc,bchw->bkhw", image.new_tensor(CHROMA), image)
    middle = chroma[..., 1:-1, 1:-1]
    vertical = chroma[..., :-2, 1:-1] + chroma[..., 2:, 1:-1]
    horizontal = chroma[..., 1:-1, :-2] + chroma[..., 1:-1, 2:]
    laplacian = 4 * middle - vertical - horizontal
    # The tiny number keeps the root's slope finite for an image without any grain.
    return (laplacian.square().mean() + 1e-12).sqrt()


def grain_loss(image: Tensor, target: Tensor) -> Tensor:
    """The squared excess of an image's chroma grain over `GRAIN_LIMIT` times `target`, as a scalar.

    `target` is the painting's chroma grain. The loss is 0 for an image with less grain than that.
    It is not in the paper; it removes colored specks that change the Gram matrices very little.
    Built in: 09_artifacts.
    """
    excess = chroma_grain(image) / target.clamp(min=LEAST_GRAIN) - GRAIN_LIMIT
    return excess.clamp(min=0).square()


# ------------------------------------------------------------------------------ all together


def distances(
    vgg: VGG19,
    photo: Tensor,
    painting: Paintings,
    layers: StyleLayers = STYLE_LAYERS,
    *,
    kept: dict | None = None,
) -> Callable[[Tensor], dict]:
    """Returns a function from an image to its distances from the targets, without any weights.

    The function returns a dict: "content" is the content loss, "style" is a dict from layer to
    its E_l, "tv" is the total variation, "grain" is the excess of chroma grain. `painting` is one
    image, or a list of `Style`. The pictures may differ in size; the image must have the
    photograph's. The targets are computed once, here; `kept` is as in `target_grams`. Built in:
    05_losses.
    """
    names = tuple(layer_weights(layers))
    content_target = target_features(vgg, photo, [CONTENT_LAYER])[CONTENT_LAYER]
    regions = regions_of(painting, photo.to(vgg.device))
    gram_targets = [mixed_grams(vgg, region, names, kept) for region in regions]
    grain_target = mixed_grain(regions).to(vgg.device)

    def measure(image: Tensor) -> dict:
        features = vgg(image, {CONTENT_LAYER, *names})
        style = {}
        for name in names:
            losses = [
                region_loss(features[name], region.mask, targets[name])
                for region, targets in zip(regions, gram_targets, strict=True)
            ]
            style[name] = sum(losses)
        return {
            "content": content_loss(features[CONTENT_LAYER], content_target),
            "style": style,
            "tv": tv_loss(image),
            "grain": grain_loss(image, grain_target),
        }

    return measure


def weigh(
    measured: dict, weights: Weights | None = None, layers: StyleLayers = STYLE_LAYERS
) -> dict[str, Tensor]:
    """Multiplies each distance by its weight and returns the weighted terms by name.

    `measured` is what the function from `distances` returned. The style term is the style weight
    times the sum over layers of w_l E_l. Source: Gatys et al. 2016, equation 7. Built in:
    05_losses.
    """
    if weights is None:
        weights = Weights()
    shares = layer_weights(layers)
    terms = {}
    for name, weight in vars(weights).items():
        distance = measured[name]
        if name == "style":
            distance = sum(shares[layer] * distance[layer] for layer in shares)
        terms[name] = weight * distance
    return terms


def layer_weights(layers: StyleLayers) -> dict[str, float]:
    """Style layers as a dict from layer to its weight w_l; layers without weights get equal ones.

    Raises: ValueError if there is no layer or one twice, or for a weight that is no number of 0 or
    more.
    """
    if isinstance(layers, str):
        layers = [layers]
    names = list(layers)
    if not names:
        raise ValueError(f"no style layer is given; name at least one of {', '.join(LAYERS)}")
    if len(set(names)) < len(names):
        raise ValueError(f"style layers are {', '.join(names)}; name each layer once")
    if not isinstance(layers, Mapping):
        return {name: 1 / len(names) for name in names}
    for name, weight in layers.items():
        check_weight(f"the weight of style layer {name}", weight)
    return dict(layers)


@torch.no_grad()
def target_features(vgg: VGG19, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    """The features of a picture as targets: constants, so no gradient flows back through them."""
    return vgg(image.to(vgg.device), layers)


def target_grams(
    vgg: VGG19, painting: Tensor, layers: Iterable[str], *, kept: dict | None = None
) -> dict[str, Tensor]:
    """The Gram matrices of a painting as targets, one (1, C, C) per layer.

    `kept` is a dict that the caller holds from one run to the next, for one network. The matrices
    of a painting are computed once and kept in it; the same pixels and layers get them from there.
    """
    key = None
    if kept is not None:
        pixels = painting.detach().cpu().contiguous().numpy().tobytes()
        key = (tuple(layers), tuple(painting.shape), hashlib.sha256(pixels).hexdigest())
        if key in kept:
            return kept[key]
    features = target_features(vgg, painting, layers)
    grams = {name: fast_gram_matrix(features[name]) for name in features}
    if kept is not None:
        kept[key] = grams
    return grams


def mix_grams(grams: Iterable[Tensor], shares: Iterable[float]) -> Tensor:
    """The sum of Gram matrices (B, C, C), each times its share. Built in: 10_control."""
    return sum(share * gram for gram, share in zip(grams, shares, strict=True))


def mixed_grams(
    vgg: VGG19, region: Region, layers: Iterable[str], kept: dict | None = None
) -> dict[str, Tensor]:
    """The targets of a region: per layer, the mix of the Gram matrices of the paintings there."""
    region.check_layers(layers)
    shares = {name: region.shares(name) for name in layers}
    grams = {}
    for style in region.styles:
        names = [name for name in shares if style.serves(name)]
        grams[style] = _grams_of(vgg, style, names, kept)
    mixed = {}
    for name, pairs in shares.items():
        serving = [grams[style][name] for style, _ in pairs]
        mixed[name] = mix_grams(serving, [share for _, share in pairs])
    return mixed


def _grams_of(vgg: VGG19, style: Style, layers: list[str], kept: dict | None) -> dict[str, Tensor]:
    """The Gram matrices of a style's painting, or of the part of it that counts."""
    if not layers:
        return {}
    if style.painting_mask is None:
        return target_grams(vgg, style.painting, layers, kept=kept)
    mask = fit_mask("painting_mask", style.painting_mask, style.painting)
    features = target_features(vgg, style.painting, layers)
    return {name: guided_gram(features[name], mask) for name in features}


def mixed_grain(regions: list[Region]) -> Tensor:
    """The chroma grain of the paintings, a mean weighted by their shares and their areas."""
    total = sum(region.area for region in regions)
    grain = 0.0
    for region in regions:
        for style in region.styles:
            part = region.area / total * style.share
            grain = grain + part * chroma_grain(style.painting.detach())
    return grain


# ------------------------------------------------------------------------------ objectives


def reconstruction(vgg: VGG19, photo: Tensor, layer: str = CONTENT_LAYER) -> Objective:
    """Objective with one term, content: the content loss against the photograph at one layer.

    Built in: 03_content.
    """
    target = target_features(vgg, photo, [layer])[layer]
    return lambda image: {"content": content_loss(vgg(image, [layer])[layer], target)}


def texture(vgg: VGG19, painting: Tensor, layers: StyleLayers = STYLE_LAYERS) -> Objective:
    """Objective with one term, style: the style loss against the painting's Gram matrices.

    Built in: 04_gram_matrices.
    """
    weights = layer_weights(layers)
    targets = target_grams(vgg, painting, weights)

    def objective(image: Tensor) -> dict[str, Tensor]:
        features = vgg(image, weights)
        grams = {name: fast_gram_matrix(features[name]) for name in targets}
        return {"style": style_loss(grams, targets, weights)}

    return objective


def transfer(
    vgg: VGG19,
    photo: Tensor,
    painting: Paintings,
    weights: Weights | None = None,
    *,
    layers: StyleLayers = STYLE_LAYERS,
    kept: dict | None = None,
) -> Objective:
    """Objective with the terms content, style, tv and grain, the loss of style transfer.

    `layers` are style layers, which then weigh equally, or a dict from layer to its weight w_l.
    `painting` is one image, or a list of `Style`. The pictures may differ in size; the image must
    have the photograph's. `kept` is as in `target_grams`. Source: Gatys et al. 2016, equation 7.
    Built in: 05_losses.
    """
    measure = distances(vgg, photo, painting, layers, kept=kept)
    return lambda image: weigh(measure(image), weights, layers)
