"""The checks of lesson 12, One pass."""

import torch

from exercises.checking import Wrong, equals, exercise, kind

NO_RETURN = "Perhaps the function has no `return`."


def _random(generator, *shape, scale=1.0, shift=0.0):
    """Random features whose channels differ, and whose pictures differ if there are several."""
    per_channel = torch.arange(1.0, shape[1] + 1).view(1, -1, 1, 1)
    per_picture = torch.arange(1.0, shape[0] + 1).view(-1, 1, 1, 1)
    values = torch.randn(shape, generator=generator) * per_channel * per_picture
    return scale * values + shift + per_channel - per_picture


def _call(attempt, case, hint, *given):
    """Calls the attempt; if two tensors do not fit together, Wrong says what may be the cause."""
    try:
        return attempt(*given)
    except RuntimeError as error:
        if "must match the size of tensor" not in str(error):
            raise
        raise Wrong(f"{case}: got two tensors that do not fit together ({error}). {hint}") from None


def _in_words(values):
    return f"mean {values.mean():.3g} and standard deviation {values.std():.3g}"


def _check_shape(case, came, expected):
    if not isinstance(came, torch.Tensor):
        raise Wrong(
            f"{case}: expected a tensor {tuple(expected.shape)}, got {kind(came)}. {NO_RETURN}"
        )
    if came.shape != expected.shape:
        raise Wrong(
            f"{case}: expected a tensor {tuple(expected.shape)}, got {kind(came)}. Perhaps "
            "`keepdim=True` is missing, or another tensor was returned."
        )


def _check_unchanged(case, given, before):
    for now, then in zip(given, before, strict=True):
        if not torch.equal(now, then):
            raise Wrong(
                f"{case}: expected that the tensors you were given stay as they were, but one of "
                "them changed. Perhaps an operation in place, such as `-=`, wrote into it."
            )


def _check(case, came, expected, guesses):
    """Raises Wrong unless `came` is `expected`; `guesses` are results of common mistakes."""
    _check_shape(case, came, expected)
    if equals(came, expected, atol=1e-3):
        return
    values = f"{case}: expected {_in_words(expected)}, got {_in_words(came)}."
    if not torch.isfinite(came).all():
        raise Wrong(
            f"{values} The result holds NaN or infinity. Perhaps a standard deviation of 0 was "
            "divided by; use at least a tiny number in its place."
        )
    for wrong, hint in guesses:
        if equals(came, wrong, atol=1e-3):
            raise Wrong(f"{values} {hint}")
    raise Wrong(
        f"{values} Compare the mean and the standard deviation of each channel with what the "
        "exercise asks for."
    )


# ------------------------------------------------------------------------------ adain


def _adain(features, like, axes=(2, 3), correction=0):
    mean = features.mean(axes, keepdim=True)
    spread = features.std(axes, keepdim=True, correction=correction).clamp(min=1e-5)
    mean_like = like.mean(axes, keepdim=True)
    spread_like = like.std(axes, keepdim=True, correction=correction)
    return (features - mean) / spread * spread_like + mean_like


@exercise
def adain(attempt):
    """Exercise 1: batches, other sizes, negative numbers, and a channel that is flat."""
    generator = torch.Generator().manual_seed(12)
    for batch, size, size_like in ((1, (4, 5), (4, 5)), (1, (3, 4), (6, 2)), (2, (4, 3), (5, 5))):
        features = _random(generator, batch, 3, *size)
        like = _random(generator, batch, 3, *size_like, scale=0.5, shift=4)
        _check_adain(attempt, features, like)
    flat = _random(generator, 1, 3, 4, 4)
    flat[:, 1] = 2.0
    _check_adain(attempt, flat, _random(generator, 1, 3, 3, 3), " with one flat channel")


def _check_adain(attempt, features, like, remark=""):
    given = (features.clone(), like.clone())
    case = f"features {tuple(features.shape)}{remark}, like {tuple(like.shape)}"
    hint = "Perhaps `keepdim=True` is missing, so that a mean (B, C) meets features (B, C, H, W)."
    came = _call(attempt, case, hint, *given)
    _check_unchanged(case, given, (features, like))
    mean = features.mean((2, 3), keepdim=True)
    mean_like = like.mean((2, 3), keepdim=True)
    spread = features.std((2, 3), keepdim=True, correction=0).clamp(min=1e-5)
    spread_like = like.std((2, 3), keepdim=True, correction=0)
    expected = (features - mean) / spread * spread_like + mean_like
    guesses = [
        (features, "The features came back unchanged."),
        (_adain(like, features), "Perhaps `features` and `like` have exchanged their roles."),
        (
            _adain(features, like, correction=1),
            "Perhaps the standard deviation divides by one position less; use `correction=0`.",
        ),
        (
            _adain(features, like, axes=(0, 2, 3)),
            "Perhaps the statistics are those of the whole batch. Each picture has its own.",
        ),
        (
            _adain(features, like, axes=(1, 2, 3)),
            "Perhaps the statistics are those of all channels together. Each channel has its own.",
        ),
        (
            (features - mean) / spread**2 * spread_like**2 + mean_like,
            "Perhaps the variance was taken in place of the standard deviation.",
        ),
        (
            (features - mean) / spread * spread_like,
            "Perhaps the mean of `like` was not added.",
        ),
        (
            features / spread * spread_like + mean_like,
            "Perhaps the mean of the features was not subtracted.",
        ),
        (
            (features - mean) * spread_like + mean_like,
            "Perhaps the features were not divided by their own standard deviation.",
        ),
        (
            (features - mean) + mean_like,
            "Perhaps only the means were matched, and not the standard deviations.",
        ),
        (
            torch.where(spread > 1e-5, expected, torch.zeros_like(expected)),
            "Perhaps the NaN of a flat channel became 0. It must become the mean of `like`.",
        ),
        (
            expected.clamp(min=0),
            "Perhaps negative numbers were cut off. They are allowed here.",
        ),
    ]
    _check(case, came, expected, guesses)


# ------------------------------------------------------------------------------ instance_norm


def _normalized(x, axes=(2, 3), correction=0, tiny=1e-5):
    mean = x.mean(axes, keepdim=True)
    variance = x.var(axes, keepdim=True, correction=correction)
    return (x - mean) / (variance + tiny).sqrt()


@exercise
def instance_norm(attempt):
    """Exercise 2: one scale and one shift per channel; one channel has a tiny variance."""
    generator = torch.Generator().manual_seed(21)
    for batch, size in ((1, (4, 5)), (2, (3, 7))):
        x = _random(generator, batch, 3, *size)
        x[:, 2] *= 0.00003  # so that the tiny number counts, and its place
        weight = torch.tensor([2.0, -1.0, 0.5])
        bias = torch.tensor([0.25, 3.0, -2.0])
        _check_instance_norm(attempt, x, weight, bias)


def _check_instance_norm(attempt, x, weight, bias):
    given = (x.clone(), weight.clone(), bias.clone())
    case = f"x {tuple(x.shape)}"
    hint = (
        "Perhaps `keepdim=True` is missing in the mean or the variance, or the weight and the "
        "bias (C,) do not have the shape (1, C, 1, 1)."
    )
    came = _call(attempt, case, hint, *given)
    _check_unchanged(case, given, (x, weight, bias))
    scale = weight.view(1, -1, 1, 1)
    shift = bias.view(1, -1, 1, 1)
    expected = _normalized(x) * scale + shift
    variance = x.var((2, 3), keepdim=True, correction=0)
    centered = x - x.mean((2, 3), keepdim=True)
    guesses = [
        (_normalized(x), "Perhaps the weight and the bias are not used."),
        (_normalized(x) * scale, "Perhaps the bias was not added."),
        (_normalized(x) + shift, "Perhaps the weight was not multiplied."),
        ((_normalized(x) + shift) * scale, "Perhaps the bias was added before the weight."),
        (
            _normalized(x, axes=(0, 2, 3)) * scale + shift,
            "Perhaps this is batch normalization. Each picture has statistics of its own.",
        ),
        (
            _normalized(x, axes=(1, 2, 3)) * scale + shift,
            "Perhaps the statistics are those of all channels together. Each channel has its own.",
        ),
        (
            _normalized(x, correction=1) * scale + shift,
            "Perhaps the variance divides by one position less; use `correction=0`.",
        ),
        (
            _normalized(x, tiny=0) * scale + shift,
            "Perhaps the tiny number 1e-5 was not added to the variance.",
        ),
        (
            centered / (variance.sqrt() + 1e-5) * scale + shift,
            "Perhaps the tiny number was added to the root. It belongs under the root.",
        ),
        (
            centered / (variance + 1e-5) * scale + shift,
            "Perhaps the root of the variance is missing.",
        ),
    ]
    _check(case, came, expected, guesses)


# ------------------------------------------------------------------------------ between


@exercise
def between(attempt):
    """Exercise 3: statistics between those of two paintings, for several shares."""
    generator = torch.Generator().manual_seed(33)
    for batch, share in ((1, 0.25), (1, 0.0), (2, 0.8), (1, 1.0), (1, 0.5)):
        features = _random(generator, batch, 3, 4, 5)
        one = _random(generator, batch, 3, 3, 6, shift=5)
        other = _random(generator, batch, 3, 7, 2, scale=3, shift=-4)
        _check_between(attempt, features, one, other, share)


def _check_between(attempt, features, one, other, share):
    given = (features.clone(), one.clone(), other.clone())
    case = f"features {tuple(features.shape)}, share {share}"
    hint = (
        "Perhaps the paintings were mixed before the match. They have different sizes, so match "
        "the features to each one and mix the results."
    )
    came = _call(attempt, case, hint, *given, share)
    _check_unchanged(case, given, (features, one, other))
    first = _adain(features, one)
    second = _adain(features, other)
    expected = (1 - share) * first + share * second
    guesses = [
        (
            share * first + (1 - share) * second,
            "Perhaps the share was given to the other painting. Share 0 is `one`.",
        ),
        (0.5 * first + 0.5 * second, "Perhaps both paintings always get one half."),
        (first + share * second, "Perhaps the two shares do not add up to 1."),
        (
            _adain(first, other),
            "Perhaps the second match undoes the first. Match twice and mix the two results.",
        ),
        (
            (1 - share) * features + share * second,
            "Perhaps the features were mixed as they are, and not matched to `one`.",
        ),
        (
            (1 - share) * features + share * first,
            "Perhaps `other` is not used.",
        ),
        (
            second if share > 0.5 else first,
            "Perhaps one of the two results is returned, where a mixture is asked for.",
        ),
        (
            (1 - share) ** 2 * first + share**2 * second,
            "Perhaps the shares were squared.",
        ),
    ]
    _check(case, came, expected, guesses)
