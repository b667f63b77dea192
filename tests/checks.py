"""The checks behind the lessons' exercises. In a notebook: `checks.gram_of_table(my_function)`; it prints what it found.

A check says "not attempted yet", "correct", or what was expected, what came, and a hint. tests/test_solutions.py runs each
on the lesson's own solution and on the three commonest mistakes.
"""

import functools
import math

import torch
from torch import nn


class Wrong(Exception):
    """An attempt that is not right yet; its text is what the learner reads."""


def exercise(check):
    """Makes a check out of a function that raises Wrong where an attempt is wrong: the check prints, and never raises."""

    @functools.wraps(check)
    def report(*attempt) -> None:
        try:
            check(*attempt)
        except NotImplementedError:
            print("not attempted yet")
        except Wrong as wrong:
            print(f"not yet: {wrong}")
        except Exception as error:  # whatever a learner's code raises is reported, not thrown at them
            print(f"not yet: your code raised {type(error).__name__}: {error}")
        else:
            print("correct")

    return report


def expect(what: str, came, expected, hint: str, *, tolerance: float = 1e-5) -> None:
    """Raises Wrong unless `came` equals `expected`: tensors and numbers within `tolerance`, anything else exactly."""
    if isinstance(expected, (torch.Tensor, float)):
        expected = torch.as_tensor(expected)
        if not isinstance(came, (torch.Tensor, float, int)):
            raise Wrong(f"{what}: expected {_text(expected)}, got {type(came).__name__}. {hint}")
        came = torch.as_tensor(came)
        if came.shape != expected.shape:
            raise Wrong(f"{what}: expected shape {tuple(expected.shape)}, got {tuple(came.shape)}. {hint}")
        same = torch.allclose(came.detach().double().cpu(), expected.double().cpu(), rtol=tolerance, atol=tolerance)
    else:
        same = came == expected
    if not same:
        raise Wrong(f"{what}: expected {_text(expected)}, got {_text(came)}. {hint}")


def _text(value) -> str:
    if not isinstance(value, torch.Tensor):
        return repr(value)
    if value.numel() <= 16:
        return str(torch.round(value.detach().double(), decimals=4).tolist())
    return f"a tensor {tuple(value.shape)} with mean {value.detach().double().mean():.4g}"


# ------------------------------------------------------------------------------------------------ 00_preview


@exercise
def share_of_a_term(share):
    losses = {"content": 0.3, "style": 0.9}
    expect("the share of style in content 0.3, style 0.9", share(losses, "style"), 0.75,
           "Divide the term by the sum of all terms, itself among them; 1 is the whole.")
    expect("the share of content", share(losses, "content"), 0.25, "The shares of all terms add up to 1.")
    expect("the share where all terms are 0", share({"content": 0.0, "style": 0.0}, "style"), 0.0,
           "A run that starts at its target has a loss of 0; look at the sum before you divide by it.")


@exercise
def forecast_of_time(forecast):
    expect("10 s at 256 px, forecast for 512 px and as many evaluations", forecast(10.0, 256, 200, 512, 200), 40.0,
           "Time goes with the number of pixels, and twice the long side is four times as many.")
    expect("10 s for 200 evaluations, forecast for 300", forecast(10.0, 256, 200, 256, 300), 15.0,
           "Every evaluation costs the same: three halves of the evaluations are three halves of the time.")
    expect("10 s at 512 px, forecast for 256 px and half the evaluations", forecast(10.0, 512, 200, 256, 100), 1.25,
           "Both factors count, and smaller pictures take less.")


# ------------------------------------------------------------------------------------------------ 01_images


@exercise
def on_paper(attempt):
    """An opaque, a transparent and a half-transparent pixel, whose hidden color is blue, on orange paper."""
    layer = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.5]]).view(4, 1, 3)
    paper = torch.tensor([1.0, 0.6, 0.2])
    came = attempt(layer.clone(), paper.clone())
    if not isinstance(came, torch.Tensor) or tuple(came.shape) != (1, 3, 1, 3):
        shape = tuple(came.shape) if isinstance(came, torch.Tensor) else type(came).__name__
        raise Wrong(f"a layer (4, 1, 3) must become an image (1, 3, 1, 3), got {shape}. Keep the three color channels, and put the "
                    "batch axis in front with [None]")
    opaque, clear, half = (came[0, :, 0, i] for i in range(3))
    expect("an opaque red pixel", opaque, torch.tensor([1.0, 0.0, 0.0]),
           "Where alpha is 1 the layer covers the paper: alpha belongs to the layer, 1 - alpha to the paper")
    if torch.equal(clear, layer[:3, 0, 1]):
        raise Wrong("a transparent pixel shows the color hidden under it, blue, where the paper's was expected: alpha is not used")
    if torch.equal(clear, torch.zeros(3)):
        raise Wrong("a transparent pixel is black, where the paper's color was expected: the paper's part, (1 - alpha) * color, is "
                    "missing")
    expect("a transparent pixel", clear, paper, "Where alpha is 0 only the paper is seen")
    expect("a half-transparent blue pixel", half, torch.tensor([0.5, 0.3, 0.6]),
           "Alpha is a share, not a yes or no: half the layer's color plus half the paper's")


@exercise
def crop_to_ratio(attempt):
    """Images whose pixels are numbered, so that a check sees which of them came."""

    def cut(height, width, ratio):
        image = torch.arange(3.0 * height * width).view(1, 3, height, width)
        came = attempt(image.clone(), ratio)
        if not isinstance(came, torch.Tensor) or came.ndim != 4:
            raise Wrong(f"a part of the image was expected, a tensor (1, 3, H, W); got {type(came).__name__}")
        return image, came

    for height, width, ratio, rows, columns in ((4, 7, 1.0, (0, 4), (1, 5)), (8, 4, 2.0, (3, 5), (0, 4)), (5, 6, 1.2, (0, 5), (0, 6)),
                                                (6, 4, 0.5, (0, 6), (0, 3)), (9, 6, 1.5, (2, 6), (0, 6))):
        image, came = cut(height, width, ratio)
        what = f"{width} wide and {height} high, cut to ratio {ratio:g}"
        new = rows[1] - rows[0], columns[1] - columns[0]
        if tuple(came.shape[2:]) != new and abs(came.shape[2] / came.shape[3] - ratio) < 0.01:
            raise Wrong(f"{what}: expected (height, width) {new}, got {tuple(came.shape[2:])}. ratio is width / height, not height / width")
        if tuple(came.shape) != (1, 3, *new):
            raise Wrong(f"{what}: expected shape {(1, 3, *new)}, got {tuple(came.shape)}. Only one side is cut: the one that is too long for the "
                        "ratio; the other stays whole")
        if not torch.isin(came, image).all():
            raise Wrong(f"{what}: the result holds values that are not in the image, so pixels were mixed: cut with a slice, do not resize")
        expect(f"{what}, the pixels", came, image[:, :, rows[0]:rows[1], columns[0]:columns[1]],
               "They are the right number from the wrong place: leave (old - new) // 2 out in front, for rows and for columns")


@exercise
def to_caffe(attempt):
    """Black, white and pure red, one after the other: each tells another mistake."""
    image = torch.tensor([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]).view(1, 3, 1, 3)
    given = image.clone()
    came = attempt(given)
    if not torch.equal(given, image):
        raise Wrong("the image that was handed in has changed: compute a new tensor, without -=, *= or other in-place steps")
    if not isinstance(came, torch.Tensor) or came.shape != image.shape:
        raise Wrong(f"expected a tensor {tuple(image.shape)}, got {tuple(came.shape) if isinstance(came, torch.Tensor) else type(came).__name__}. "
                    "Give the mean the shape (1, 3, 1, 1), so that it is subtracted channel by channel")
    black, white, red = (came[0, :, 0, i] for i in range(3))
    expect("black", black, torch.tensor([-103.939, -116.779, -123.68]),
           "For black only the mean is left, in the order blue, green, red, and it is not scaled", tolerance=1e-4)
    expect("white", white, torch.tensor([151.061, 138.221, 131.32]), "White is 255 before the mean is subtracted", tolerance=1e-4)
    expect("pure red", red, torch.tensor([-103.939, -116.779, 131.32]),
           "Red is the last channel for Caffe: turn the channels round, image.flip(1), before the mean is subtracted", tolerance=1e-4)


# ------------------------------------------------------------------------------------------------ 02_features


@exercise
def layer_names(attempt):
    """Small networks with blocks of other lengths than VGG-19's."""

    def network(*blocks):
        layers = []
        for count in blocks:
            layers += [layer for _ in range(count) for layer in (nn.Conv2d(1, 1, 3), nn.ReLU())] + [nn.MaxPool2d(2)]
        return nn.Sequential(*layers)

    expect("one block of two convolutions", attempt(network(2)), ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"],
           "Blocks and places count from 1, and a ReLU has its convolution's number")
    expect("blocks of one and two convolutions", attempt(network(1, 2)),
           ["conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2"],
           "After a pooling the block goes up by one and the place starts again")
    average = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU(inplace=True), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3))
    expect("average pooling, and an end without ReLU", attempt(average), ["conv1_1", "relu1_1", "pool1", "conv2_1"],
           "Look at each module's kind; do not count on VGG-19's own list or on one kind of pooling")


@exercise
def receptive_field(attempt):
    """From one layer to VGG-19's conv4_2, each a step further."""
    conv, pool = (3, 1), (2, 2)
    expect("no layer at all", attempt([]), 1, "Without layers an output is its own pixel: start the field at 1")
    expect("one 3 x 3 convolution", attempt([conv]), 3, "A kernel adds kernel - 1 pixels to the 1 that is there")
    expect("two 3 x 3 convolutions", attempt([conv, conv]), 5, "The second one adds 2, not 3: its outer windows overlap the first's")
    expect("two convolutions and a pooling", attempt([conv, conv, pool]), 6,
           "The pooling itself adds (2 - 1) times the jump before it, which is 1: let the jump grow after the field")
    expect("a convolution after a pooling", attempt([conv, conv, pool, conv]), 10,
           "After a pooling neighbors are 2 pixels apart, so a kernel adds (3 - 1) * 2: keep track of the jump")
    expect("VGG-19 to conv4_2", attempt([conv] * 2 + [pool] + [conv] * 2 + [pool] + [conv] * 4 + [pool] + [conv] * 2), 84,
           "Jumps multiply: after three poolings neighbors are 8 pixels apart, not 2 or 6")


@exercise
def safe_features(attempt):
    """A network of subtraction and in-place ReLUs, on two numbers."""

    class Minus(nn.Module):
        def forward(self, x):
            return x - 1

    net = nn.Sequential(Minus(), nn.ReLU(inplace=True), Minus(), nn.ReLU(inplace=True))
    x = torch.tensor([0.0, 3.0])
    came = attempt(x, net, [0, 2])
    if not isinstance(came, dict) or sorted(came) != [0, 2]:
        raise Wrong(f"for indices [0, 2] a dict with the keys 0 and 2 was expected, got {sorted(came) if isinstance(came, dict) else type(came).__name__}")
    if not all(layer.inplace for layer in net if isinstance(layer, nn.ReLU)):
        raise Wrong("the network was changed: its ReLUs are no longer in-place. It is not yours; keep copies of what it computes")
    expect("layer 0 of (minus 1, ReLU, minus 1, ReLU) on [0, 3]", came[0], torch.tensor([-1.0, 2.0]),
           "The ReLU after it wrote into what was kept: keep a clone, made before the next layer runs")
    expect("layer 2, the deepest asked for", came[2], torch.tensor([-1.0, 1.0]),
           "The walk went on and a later ReLU wrote into it, or its input was a changed one")
    expect("layer 1", attempt(x, net, [1])[1], torch.tensor([0.0, 2.0]), "Each output is the input of the next layer")
    start = torch.tensor([-1.0, 2.0])
    attempt(start, net[1:], [0])
    expect("the input, where the first layer is in-place", start, torch.tensor([-1.0, 2.0]),
           "The first layer wrote into the caller's tensor: begin with x = x.clone()")


# ------------------------------------------------------------------------------------------------ 03_content


@exercise
def content_gradient(attempt):
    """Lesson 03, exercise 1: the gradient of the content loss with respect to a convolution's output."""
    response = torch.tensor([[1.0, 2.0], [-1.0, 3.0]])
    target = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    what = f"for response {response.tolist()} and target {target.tolist()}"
    came, expected = attempt(response.clone(), target.clone()), torch.tensor([[0.5, 0.0], [0.0, 1.0]])
    if isinstance(came, torch.Tensor) and came.shape == expected.shape:
        if torch.allclose(came, -expected):
            raise Wrong("the sign is turned round: a gradient points uphill, so where features are above the target it is "
                        "positive")
        if torch.allclose(came, 2 * expected) or torch.allclose(came, 4 * expected):
            raise Wrong("the direction is right and the size is not: content_loss is the mean over all features.numel() "
                        "entries, and a square brings a factor 2")
        if came[1, 0] != 0:
            raise Wrong(f"{what} the lower left is {came[1, 0]:g}, expected 0: the response is negative there, and a silent "
                        "ReLU lets no gradient through")
    expect(what, came, expected, "2 / count * (features - target) where the unit fires.")
    response, target = (torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(value)) for value in (0, 1))
    expected = 2 / response.numel() * (response.relu() - target.relu()) * (response > 0)
    expect("for random features (1, 3, 4, 5)", attempt(response, target.relu()), expected,
           "Let numel() count, whatever the shape.", tolerance=1e-6)


@exercise
def loop_from_memory(attempt):
    """Lesson 03, exercise 2: the loop with Adam."""
    start = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    target = torch.linspace(-0.5, 1.5, start.numel()).reshape(start.shape)  # some of it lies where no pixel may go
    calls = []

    def objective(image):
        calls.append(1)
        return {"near": (image - target).square().mean(), "smooth": 0.1 * (image - image.mean()).square().mean()}

    def run(given, clamp=True, zero=True):
        image = given.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([image], lr=0.1)
        for _ in range(12):
            if zero:
                optimizer.zero_grad()
            sum(objective(image).values()).backward()
            optimizer.step()
            if clamp:
                image.data.clamp_(0, 1)
        return image.detach()

    expected, unclamped, piled = run(start), run(start, clamp=False), run(start, zero=False)
    calls.clear()
    given = start.clone()
    came = attempt(given, objective, 12, 0.1)
    if not torch.equal(given.detach(), start):
        raise Wrong("the caller's start has changed: the optimizer moves its tensor in place, so give it a copy, start.clone()")
    if isinstance(came, torch.Tensor) and came.shape == start.shape:
        if torch.allclose(came, piled, atol=1e-5):
            raise Wrong("gradients pile up: backward() adds to what is there, so call optimizer.zero_grad() once a step")
        if torch.allclose(came, unclamped, atol=1e-5) or came.min() < 0 or came.max() > 1:
            raise Wrong(f"the image runs from {came.min():.2f} to {came.max():.2f}, expected 0 to 1: clamp it after each "
                        "step, in place and under torch.no_grad()")
        if torch.equal(came, start):
            raise Wrong("the image is still the start: is the tensor that you return the one that the optimizer moves?")
    if len(calls) not in (12, 13):
        raise Wrong(f"the objective was called {len(calls)} times, expected once for each of 12 steps")
    expect("after 12 steps with lr 0.1", came, expected, "Adam on the sum of all terms, then the clamp, 12 times.",
           tolerance=1e-4)


class _TwoLayers:
    """Stands in for the network: two layers, weights that ask for gradients, and a count of what went through."""

    def __init__(self):
        self.weight = torch.tensor(0.5, requires_grad=True)
        self.seen = []

    def __call__(self, image, layers):
        self.seen.append(image.detach().clone())
        features = {"shallow": image * self.weight, "deep": image.square() * self.weight}
        return {layer: features[layer] for layer in ([layers] if isinstance(layers, str) else layers)}


@exercise
def several_depths(attempt):
    """Lesson 03, exercise 3: an objective with one content term a layer."""
    vgg, layers = _TwoLayers(), ["shallow", "deep"]
    photo, image = torch.full((1, 3, 2, 2), 0.5), torch.ones(1, 3, 2, 2, requires_grad=True)
    objective = attempt(vgg, photo, layers)
    if not callable(objective):
        raise Wrong(f"it returned {type(objective).__name__}, expected a function: the objective is called with a new image "
                    "at every step")
    terms = objective(image)
    if not isinstance(terms, dict):
        raise Wrong(f"the objective returned {type(terms).__name__}, expected a dict with one named term a layer: {layers}")
    expect("the terms' names", sorted(terms), sorted(layers), "Name each term after its layer.")
    try:
        for _ in range(2):
            sum(objective(image).values()).backward()
    except RuntimeError:
        raise Wrong("the second backward pass failed: the targets remember how they were computed; compute them under "
                    "torch.no_grad(), or detach() them") from None
    for layer, expected in (("shallow", 0.0625), ("deep", 0.140625)):  # (.5 - .25)^2 and (.5 - .125)^2
        expect(f"the term of {layer!r} for a white image and a gray photo", terms[layer], expected,
               "Each is the mean squared difference between the image's features and the photo's, at that layer.")
    photos = sum(torch.equal(seen, photo) for seen in vgg.seen)
    if photos != 1:
        raise Wrong(f"the photo went through the network {photos} times in 3 evaluations, expected once: compute the targets "
                    "before you define the objective")
    if len(vgg.seen) > 4:
        raise Wrong(f"the image went through the network {len(vgg.seen) - 1} times in 3 evaluations: ask for all layers in "
                    "one call")


# ------------------------------------------------------------------------------------------------ 04_gram_matrices


@exercise
def gram_by_loops(attempt):
    """Lesson 04, exercise 1: the mean over positions of outer products."""
    table = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    came, expected = attempt(table.clone()), torch.tensor([[5.0, 2.0], [2.0, 10.0]]) / 3
    what = f"for the table {table.tolist()}"
    if isinstance(came, torch.Tensor) and came.shape == expected.shape:
        pairs = torch.tensor([[9.0, 12.0], [12.0, 16.0]])
        if any(torch.allclose(came, pairs / count) for count in (1, 3, 9)):
            raise Wrong(f"{what} this is the sum over all pairs of positions, of rank 1: multiply each position with itself "
                        "only, so that one k serves both channels")
        if torch.allclose(came, 3 * expected):
            raise Wrong(f"{what} this is the sum, {came.tolist()}, expected the mean: divide by the number of positions, 3")
        if torch.allclose(came, expected / 2) or torch.allclose(came, expected * 3 / 2):
            raise Wrong(f"{what} the divisor is not the number of positions, 3: channels are not counted")
    if isinstance(came, torch.Tensor) and came.shape == (3, 3):
        raise Wrong(f"{what} this is 3x3, positions by positions, expected 2x2: the two free indices are channels, and the "
                    "sum runs over positions")
    expect(what, came, expected, "Entry i, j is the mean over k of table[i, k] * table[j, k].")
    table = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    expect("for a random table (4, 7)", attempt(table), table @ table.T / 7, "Take both sizes from the table's shape.")


@exercise
def covariance_of_features(attempt):
    """Lesson 04, exercise 2: the Gram of centered features."""
    features = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]).reshape(1, 2, 1, 3)
    came, expected = attempt(features.clone()), torch.tensor([[[2.0, -2.0], [-2.0, 14 / 3]]]) / 3
    what = "for the table [[1, 2, 0], [0, 1, 3]] as features (1, 2, 1, 3)"
    if isinstance(came, torch.Tensor) and came.shape == expected.shape:
        if torch.allclose(came, torch.tensor([[[5.0, 2.0], [2.0, 10.0]]]) / 3):
            raise Wrong(f"{what} this is the Gram itself: take each channel's mean over positions off first")
        if torch.allclose(came, expected * 3 / 2):
            raise Wrong(f"{what} the divisor is 2, expected 3: divide by H W, not by one less, so that it stays comparable to "
                        "a Gram")
        over_channels = (features - features.mean(1, keepdim=True))[0, :, 0]
        if torch.allclose(came[0], over_channels @ over_channels.T / 3):
            raise Wrong(f"{what} the means were taken over channels, axis 1, expected over positions, axes 2 and 3")
    expect(what, came, expected, "The mean over positions of (F_i - mean_i)(F_j - mean_j).")
    features = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    features[1] += 9
    expected = torch.stack([torch.cov(one.flatten(1), correction=0) for one in features])
    expect("for a batch of two, one much brighter,", attempt(features), expected,
           "Each picture of the batch has means of its own.", tolerance=1e-4)


@exercise
def shifted_gram(attempt):
    """Lesson 04, exercise 3: the Gram of each position and its neighbor on the right."""
    features = torch.tensor([[[[1.0, 2.0, 0.0]], [[0.0, 1.0, 3.0]]]])  # (1, 2, 1, 3)
    came, expected = attempt(features.clone(), 1), torch.tensor([[[2.0, 7.0], [0.0, 3.0]]]) / 2
    what = "for the table [[1, 2, 0], [0, 1, 3]] as features (1, 2, 1, 3), one step to the right,"
    if isinstance(came, torch.Tensor) and came.shape == expected.shape:
        if torch.allclose(came, expected.transpose(1, 2)):
            raise Wrong(f"{what} i and j have changed places: i is at x, j is at x + right")
        if torch.allclose(came, expected * 2 / 3):
            raise Wrong(f"{what} the divisor is 3, expected 2: only two of the three positions have a neighbor on the right")
        rolled = torch.einsum("biyx,bjyx->bij", features, features.roll(-1, 3)) / 3
        if torch.allclose(came, rolled) or torch.allclose(came, rolled.transpose(1, 2)):
            raise Wrong(f"{what} the last column met the first: roll() wraps round the border; cut the columns off instead")
    expect(what, came, expected, "The mean over the pairs (x, x + right) inside the picture.")
    features = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = torch.einsum("biyx,bjyx->bij", features[..., :3], features[..., 2:]) / 12
    expect("for random features (2, 3, 4, 5), two steps to the right,", attempt(features, 2), expected,
           "Columns are the last axis; of 5, the first 3 have a neighbor two to the right.")


# ------------------------------------------------------------------------------------------------ 05_losses


# ------------------------------------------------------------------------------------------------ 05_losses


@exercise
def balancing_factor(attempt):
    """Two made-up terms whose gradients are 4 and 6 at each pixel of an image of ones."""
    image = torch.ones(1, 3, 2, 2)

    def objective(image):
        return {"content": 2 * image.square().sum(), "style": 6 * image.sum()}

    came = attempt(objective, image)
    what = "content pulls 4 at each pixel and style 6, so the factor"
    hint = "Take the gradient of each term on the pixels, then the ratio of their lengths"
    if isinstance(came, (int, float)):
        if abs(came - 24 / 72) < 1e-4:
            raise Wrong(f"{what} is 4 / 6; {came:.4f} is the ratio of the *values*, 24 / 72. {hint}.")
        if abs(came - 6 / 4) < 1e-4:
            raise Wrong(f"{what} is 4 / 6, and yours is upside down: with {came:.4f} the stronger term would pull even harder.")
        if abs(came - 16 / 36) < 1e-4:
            raise Wrong(f"{what} is 4 / 6; {came:.4f} is its square. A length is the root of the sum of squares: `gradient.norm()`.")
    expect(what, came, 4 / 6, f"{hint}, content's over style's, and return a float (`.item()`).", tolerance=1e-4)
    if image.requires_grad:
        raise Wrong("your function switched on the gradient of the caller's image; work on a copy: `image.detach().clone()`.")


@exercise
def keras_factor(attempt):
    """Checked against the formula itself on made-up Grams: 7 channels, 12 positions, an image of 40 pixels."""
    channels, positions, size = 7, 12, 40
    generator = torch.Generator().manual_seed(0)
    features, wanted = (torch.rand(channels, positions, generator=generator, dtype=torch.float64) for _ in range(2))
    difference = (features @ features.T - wanted @ wanted.T).square().sum()
    expected = (difference / (4 * 3**2 * size**2) / (difference / (4 * channels**2 * positions**2))).item()  # 0.49
    came = attempt(channels, positions, size)
    what = f"7 channels, 12 positions and 40 pixels: expected {expected:.4f}"
    if isinstance(came, (int, float)):
        for wrong, why in ((1 / expected, "yours is upside down: how many of our E_l make one of Keras's losses, not the reverse"),
                           (expected**0.5, "the squares are missing: channels, positions, 3 and size are all squared below the sum"),
                           (expected / 4, "both formulas divide by 4, so the 4 cancels"),
                           (expected * 4, "both formulas divide by 4, so the 4 cancels"),
                           (positions**2 / size**2, "the 3 in Keras's formula stands where ours has the layer's channels; they do not cancel")):
            if abs(came - wrong) < 1e-6:
                raise Wrong(f"{what}, got {came:.4f}: {why}.")
    expect("7 channels, 12 positions, 40 pixels", came, expected, "Write both as a constant times sum((g - a)^2) and divide.")
    expect("12 channels, 5 positions, 20 pixels", attempt(12, 5, 20), 1.0, "Write both as a constant times sum((g - a)^2) and divide.")


@exercise
def blend(attempt):
    """Two layers of Grams, a quarter of the way."""
    first = {"relu1_1": torch.zeros(1, 2, 2), "relu2_1": torch.full((1, 3, 3), 4.0)}
    second = {"relu1_1": torch.full((1, 2, 2), 8.0), "relu2_1": torch.zeros(1, 3, 3)}
    came = attempt(first, second, 0.25)
    if not isinstance(came, dict) or came.keys() != first.keys():
        what = f"a dict with {', '.join(came)}" if isinstance(came, dict) else f"a {type(came).__name__}"
        raise Wrong(f"expected a dict with relu1_1 and relu2_1, one blended Gram a layer, got {what}.")
    one, other = came["relu1_1"], came["relu2_1"]
    if torch.allclose(one, torch.tensor(6.0)) and torch.allclose(other, torch.tensor(1.0)):
        raise Wrong("a share of 0.25 gave three quarters of the second painting: yours is the wrong way round; a share of 0 is the first.")
    if torch.allclose(one, torch.tensor(2.0)) and torch.allclose(other, torch.tensor(4.0)):
        raise Wrong("the second painting's part is right, but the first still counts in full; it must count 1 - share, or both styles add up.")
    if torch.allclose(one, torch.tensor(4.0)) and torch.allclose(other, torch.tensor(2.0)):
        raise Wrong("a share of 0.25 gave half of each: use `share`.")
    hint = "(1 - share) times the first plus share times the second, in every layer."
    expect("relu1_1, from 0 to 8", one, torch.full((1, 2, 2), 2.0), hint)
    expect("relu2_1, from 4 to 0", other, torch.full((1, 3, 3), 3.0), hint)
    if first["relu1_1"].any() or second["relu2_1"].any():
        raise Wrong("the blend is right, but your function changed the Grams that it was given; build new tensors.")


# ------------------------------------------------------------------------------------------------ 06_pooling


# ------------------------------------------------------------------------------------------------ 06_pooling


@exercise
def pool_gradient(attempt):
    """A 4x4 table without ties, against autograd."""
    x = torch.tensor([[3.0, 1.0, 5.0, 6.0], [2.0, 4.0, 7.0, 8.0], [9.0, 0.5, 1.5, 2.5], [0.25, 0.75, 3.5, 0.0]]).view(1, 1, 4, 4)
    for kind, pool in (("average", torch.nn.functional.avg_pool2d), ("max", torch.nn.functional.max_pool2d)):
        inputs = x.clone().requires_grad_(True)
        (expected,) = torch.autograd.grad(pool(inputs, 2).sum(), inputs)
        came = attempt(x.clone(), kind)
        what, hint = f"the gradient of {kind} pooling", "Each output asks for 1: which of its four inputs hears how much of it?"
        if isinstance(came, torch.Tensor) and came.shape == x.shape:
            if kind == "average" and torch.allclose(came, torch.ones_like(x)):
                raise Wrong(f"{what}: yours is 1 everywhere. An output changes by only 1/4 when one of its four inputs changes by 1.")
            if kind == "max" and came.sum() == 1 and came.flatten()[x.argmax()] == 1:
                raise Wrong(f"{what}: yours marks the largest number of the whole table; each of the four windows has a maximum of its own.")
            if kind == "max" and torch.allclose(came, expected * x):
                raise Wrong(f"{what}: yours holds the maxima themselves. The gradient says how an output changes with its input: by 1, "
                            "however large the input is.")
        expect(what, came, expected, hint)


@exercise
def power_pool(attempt):
    """Windows with known power means; p = 1 and p = 2, and p = 50 near the maximum."""
    features = torch.tensor([[3.0, 4.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 1, 2, 4)
    two, hint = attempt(features.clone(), 2), "The p-th root of the mean of the four p-th powers, a window at a time"
    if isinstance(two, torch.Tensor) and two.shape == (1, 1, 1, 2):
        came = two.flatten()
        if torch.allclose(came, torch.tensor([5.0, 2.0])):
            raise Wrong("at p = 2 the window 3, 4, 0, 0 gave 5 and the window of ones 2: that is the root of the *sum*. With the mean a flat "
                        "window keeps its value.")
        if torch.allclose(came, torch.tensor([6.25, 1.0])):
            raise Wrong("at p = 2 the window 3, 4, 0, 0 gave 6.25, the mean of the squares: the root is missing, so the result is no longer "
                        "of the features' size.")
        if torch.allclose(came, torch.tensor([1.75, 1.0])):
            raise Wrong("at p = 2 the window 3, 4, 0, 0 gave 1.75, its plain average: raise to the power *before* the mean, and take the root after it.")
    expect("p = 2 of the windows 3, 4, 0, 0 and 1, 1, 1, 1", two, torch.tensor([[[[2.5, 1.0]]]]), hint + ".")
    expect("p = 1, the average", attempt(features.clone(), 1), torch.tensor([[[[1.75, 1.0]]]]), hint + ".")
    expect("p = 50, nearly the maximum", attempt(features.clone(), 50), torch.tensor([[[[3.8906, 1.0]]]]), hint + ".", tolerance=1e-3)


@exercise
def swap_pools(attempt):
    """A small network with poolings at places that VGG-19 does not have."""
    features = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.MaxPool2d(2), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 3),
                                   torch.nn.MaxPool2d(2))
    before, made = list(features), []

    def make_pool():
        made.append(torch.nn.AvgPool2d(2))
        return made[-1]

    swapped = attempt(features, make_pool)
    if any(now is not then for now, then in zip(features, before, strict=True)):
        raise Wrong("the network that was passed in has lost its max poolings: whoever still uses it gets another network. Build a new "
                    "nn.Sequential and leave `features` as it is.")
    if not isinstance(swapped, torch.nn.Sequential):
        raise Wrong(f"expected a new nn.Sequential, got {type(swapped).__name__}.")
    if len(swapped) != len(before):
        raise Wrong(f"{len(before)} layers went in and {len(swapped)} came out: a pooling is replaced, not left out or added.")
    for place, (old, new) in enumerate(zip(before, swapped, strict=True)):
        if isinstance(old, torch.nn.MaxPool2d):
            if isinstance(new, torch.nn.MaxPool2d):
                raise Wrong(f"layer {place} is still a max pooling. Ask each layer what it is (`isinstance`): its place differs from network "
                            "to network.")
            if not any(new is pool for pool in made):
                raise Wrong(f"layer {place} is a {type(new).__name__}, but not one that make_pool() made.")
        elif new is not old:
            raise Wrong(f"layer {place}, a {type(old).__name__}, is not the one that went in: a new or copied layer need not have its weights. "
                        "Put the same object into the new list.")
    if len(made) > 1 and swapped[1] is swapped[4]:
        raise Wrong("both places hold one and the same module; call make_pool() once for each.")


# ------------------------------------------------------------------------------------------------ 07_optimization


@exercise
def match_channels(attempt) -> None:
    """07, exercise 1: a channel's mean and standard deviation taken from another image."""
    generator = torch.Generator().manual_seed(7)
    image = torch.rand(1, 3, 8, 10, generator=generator) * torch.tensor([0.2, 0.2, 0.3]).view(1, 3, 1, 1) + 0.1
    like = torch.rand(1, 3, 8, 10, generator=generator) * torch.tensor([0.3, 0.25, 0.1]).view(1, 3, 1, 1) + 0.3
    came = attempt(image.clone(), like.clone())
    if not isinstance(came, torch.Tensor) or came.shape != image.shape:
        what = tuple(came.shape) if isinstance(came, torch.Tensor) else type(came).__name__
        raise Wrong(f"the result: expected a tensor {tuple(image.shape)}, got {what}. Return the image, every channel of it")
    mean_like = like.mean((2, 3))[0]
    spread, spread_like = image.std((2, 3))[0], like.std((2, 3))[0]
    came_mean, came_spread = came.mean((2, 3))[0], came.std((2, 3))[0]
    if torch.allclose(came_mean.mean(), mean_like.mean(), atol=1e-4) and not torch.allclose(came_mean, mean_like, atol=1e-4):
        raise Wrong(f"means of the channels: expected {_numbers(mean_like)}, got {_numbers(came_mean)}. Over all channels together it "
                    "is right: take the mean over height and width only, image.mean((2, 3), keepdim=True), one a channel")
    expect("means of the channels", came_mean, mean_like, "Take the image's own mean off first, then add the other's", tolerance=1e-4)
    if torch.allclose(came_spread, spread, atol=1e-4):
        raise Wrong(f"standard deviations: expected {_numbers(spread_like)}, got {_numbers(came_spread)}, which are still the image's "
                    "own. Divide by them and multiply by the other's")
    if torch.allclose(came_spread, spread_like**2 / spread, atol=1e-4):
        raise Wrong(f"standard deviations: expected {_numbers(spread_like)}, got {_numbers(came_spread)}. You scaled by the ratio of "
                    "the variances, which are squares: take the ratio of the standard deviations")
    expect("standard deviations", came_spread, spread_like, "Divide by the image's, multiply by the other's", tolerance=1e-4)
    wide = torch.tensor([0.0, 1.0]).repeat(3, 4)[None, :, None]
    came = attempt(torch.rand(1, 3, 8, 10, generator=generator), wide)
    expect("numbers below 0 or above 1", int(((came < 0) | (came > 1)).sum()), 0, "End with .clamp(0, 1)")


def _numbers(values) -> str:
    return str([round(value, 3) for value in values.tolist()])


@exercise
def when_to_stop(attempt) -> None:
    """07, exercise 2: the first evaluation count at which a window of evaluations won too little."""
    evaluations = list(range(0, 401, 50))
    losses = [100.0, 60.0, 40.0, 39.8, 30.0, 29.9, 29.8, 29.7, 29.6]  # at 150 only the last 50 won little
    right = 300  # 29.8 is 0.7 % below 30.0, the loss at 200
    came = attempt(evaluations, losses)
    if came == 6:
        raise Wrong("expected 300, got 6. That is a place in the list: return the number of evaluations at that place")
    if came == 150:
        raise Wrong("expected 300, got 150. There the last 50 evaluations won little, but the last 100 won a third: compare with "
                    "the loss of `window` evaluations earlier, not with the previous look")
    if came == 400 or came is None:
        raise Wrong(f"expected 300, got {came}. From 200 to 300 the loss falls from 30.0 to 29.8, by 0.2. As a share of 30.0 that "
                    "is 0.007, less than 0.01: divide the difference by the earlier loss")
    expect("losses 100, 60, 40, 39.8, 30, 29.9, ... every 50 evaluations", came, right, "Go through the looks in order")
    small = attempt(evaluations, [loss / 1000 for loss in losses])
    expect("the same losses divided by 1000", small, right, "A share does not depend on the loss's unit: divide by the earlier loss")
    expect("losses that keep falling by half", attempt([0, 100, 200], [4.0, 2.0, 1.0]), 200, "It never happens, so return the last number")
    expect("window=50, gain=0.1", attempt(evaluations, losses, 50, 0.1), 150, "Use the arguments, not their defaults")


# ------------------------------------------------------------------------------------------------ 08_artifacts


@exercise
def isotropic(attempt) -> None:
    """08, exercise 1: isotropic total variation, with a finite slope on a flat picture."""
    image = torch.tensor([[[[0.0, 0.3], [0.4, 0.9]]]])  # right 0.3, below 0.4: a length of 0.5
    came = attempt(image, 0.0)
    if isinstance(came, torch.Tensor) and torch.isclose(came, torch.tensor(0.7)):
        raise Wrong("[[0, 0.3], [0.4, 0.9]]: expected 0.5, got 0.7. That is |right| + |below|, the anisotropic kind: add the squares, "
                    "then take the root")
    if isinstance(came, torch.Tensor) and torch.isclose(came, torch.tensor(0.25)):
        raise Wrong("[[0, 0.3], [0.4, 0.9]]: expected 0.5, got 0.25. Take the square root of right^2 + below^2 before the mean")
    expect("[[0, 0.3], [0.4, 0.9]]", came, 0.5, "Only the upper left pixel has both neighbors; there right is 0.3 and below 0.4")
    flat = torch.full((1, 3, 5, 6), 0.5, requires_grad=True)
    attempt(flat).backward()
    if not torch.isfinite(flat.grad).all():
        raise Wrong("the gradient on a flat picture: expected zeros, got NaN. The root's slope at 0 is infinite: add eps under the root")
    generator = torch.Generator().manual_seed(8)
    image = torch.rand(2, 3, 5, 7, generator=generator)
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    expect("a batch of random pictures, eps=0.01", attempt(image, 0.01), (right**2 + below**2 + 0.01).sqrt().mean(),
           "Both differences belong to one pixel, so leave out the last row and the last column of both, and average")


@exercise
def keep_colors(attempt) -> None:
    """08, exercise 2: the photograph's color differences with the luminance of the result."""
    result = torch.tensor([0.5, 0.5, 0.5]).view(1, 3, 1, 1)
    photo = torch.tensor([0.6, 0.4, 0.2]).view(1, 3, 1, 1)  # luminance 0.437
    right = torch.tensor([0.663, 0.463, 0.263])
    came = attempt(result, photo)
    if not isinstance(came, torch.Tensor) or came.shape != photo.shape:
        what = tuple(came.shape) if isinstance(came, torch.Tensor) else type(came).__name__
        raise Wrong(f"the result: expected a tensor (1, 3, 1, 1), got {what}. Keep the axis of channels: .sum(1, keepdim=True)")
    came = came.flatten()
    if torch.allclose(came, torch.tensor([0.7, 0.5, 0.3]), atol=1e-4):
        raise Wrong("a gray result of 0.5 and the color (0.6, 0.4, 0.2): expected (0.663, 0.463, 0.263), got (0.7, 0.5, 0.3). You took "
                    "plain means; luminance is 0.299 R + 0.587 G + 0.114 B, for the eye sees green best")
    if torch.allclose(came, torch.tensor([0.437] * 3), atol=1e-4):
        raise Wrong("a gray result of 0.5 and the color (0.6, 0.4, 0.2): expected (0.663, 0.463, 0.263), got gray of 0.437. The roles are "
                    "exchanged: colors from the photograph, luminance from the result")
    expect("a gray result of 0.5 and the color (0.6, 0.4, 0.2)", came, right, "Add the difference of the luminances to every channel of "
           "the photograph", tolerance=1e-4)
    came = attempt(torch.ones(1, 3, 2, 2), photo.expand(1, 3, 2, 2))
    if came.max() > 1:
        raise Wrong(f"a white result: expected numbers of at most 1, got {came.max().item():.3f}. Luminance and color do not always fit: "
                    "end with .clamp(0, 1)")


@exercise
def alarm(attempt) -> None:
    """08, exercise 3: a loss that is not finite, or several in a row above the start."""
    expect("losses 5, 9, 4, 8, 3, 7", attempt([5.0, 9.0, 4.0, 8.0, 3.0, 7.0]), None, "Three are above the start, but never three in a row: "
           "begin to count anew when a loss is not above it")
    expect("losses 5, 6, 8, 7, 4", attempt([5.0, 6.0, 8.0, 7.0, 4.0]), 3, "7 is the third in a row above the start, 5, although it is "
           "below the loss before: compare with losses[0]")
    expect("losses 3, NaN, 2", attempt([3.0, math.nan, 2.0]), 1, "Every comparison with NaN is False, so test for it: math.isfinite(loss)")
    expect("losses 3, infinity", attempt([3.0, math.inf]), 1, "Infinity is not finite either")
    expect("losses 3, 4, 5 with patience=2", attempt([3.0, 4.0, 5.0], 2), 2, "Use the argument patience, not its default")


# ------------------------------------------------------------------------------------------------ 09_studio


@exercise
def log_slider(weight):
    expect("the left end of a slider from 1 to 10000", weight(0.0, 1.0, 10000.0), 1.0,
           "At position 0 the weight is `low` itself; `low` and `high` are weights, not exponents.")
    expect("the right end", weight(1.0, 1.0, 10000.0), 10000.0, "At position 1 the weight is `high`.")
    expect("the middle", weight(0.5, 1.0, 10000.0), 100.0,
           "Half the way is half the factors of ten, not half the difference: raise the ratio of the ends to the position.")
    expect("the middle of a slider from 0.01 to 100", weight(0.5, 0.01, 100.0), 1.0,
           "It is the ratio high / low that is raised to the position; with low = 1 you would not notice.")


@exercise
def draw_times(drawn):
    expect("evaluations at 0, 1 and 2 s, a gap of 0.5 s", drawn([0.0, 1.0, 2.0], 0.5), [0.0, 1.0, 2.0],
           "All of them are further apart than the gap, so all are drawn: go by the clock, not by counting.")
    expect("evaluations every 0.25 s, a gap of 0.5 s", drawn([0.0, 0.25, 0.5, 0.75, 1.0], 0.5), [0.0, 0.5, 1.0],
           "Compare with the last time that was *drawn*: a fast run would otherwise be drawn never, or always.")
    expect("evaluations at 0, 0.75, 1, 1.25 and 1.5 s, a gap of 0.5 s", drawn([0.0, 0.75, 1.0, 1.25, 1.5], 0.5), [0.0, 0.75, 1.25],
           "The gap begins anew at each drawing; a fixed grid of times lets two drawings come closer than the gap.")
    expect("no evaluations at all", drawn([], 0.5), [], "Before the first evaluation there is nothing to draw.")
