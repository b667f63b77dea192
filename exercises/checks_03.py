"""The checks of lesson 03, Content."""

import torch

from exercises.checking import Wrong, equals, exercise, expect


@exercise
def content_gradient(attempt):
    """Exercise 1: the gradient of the content loss with respect to a convolution's output."""
    response = torch.tensor([[1.0, 2.0], [-1.0, 3.0]])
    target = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    expected = torch.tensor([[0.5, 0.0], [0.0, 1.0]])
    what = f"for response {response.tolist()} and target {target.tolist()}"
    came = attempt(response.clone(), target.clone())
    if equals(came, -expected):
        raise Wrong(
            f"{what}: the sign is reversed. A gradient points uphill, so it is positive if the "
            "features are above the target."
        )
    if equals(came, 2 * expected) or equals(came, 4 * expected):
        raise Wrong(
            f"{what}: the direction is right and the size is not. content_loss is the mean over "
            "all features.numel() entries, and the square brings a factor of 2."
        )
    if isinstance(came, torch.Tensor) and came.shape == expected.shape and came[1, 0] != 0:
        raise Wrong(
            f"{what}, lower left: expected 0, got {came[1, 0]:g}. The response is negative there, "
            "and a ReLU passes no gradient for a negative input."
        )
    expect(what, came, expected, "It is 2 / count * (features - target) if the ReLU is active.")

    response = torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    target = torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    active = response > 0
    expect(
        "for random features (1, 3, 4, 5)",
        attempt(response, target.relu()),
        2 / response.numel() * (response.relu() - target.relu()) * active,
        "Count the entries with numel(), so that every shape works.",
        tolerance=1e-6,
    )


def _adam(start, objective, *, clamp=True, zero=True):
    """12 steps of Adam with a learning rate of 0.1, correct or with one step left out."""
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=0.1)
    for _ in range(12):
        if zero:
            optimizer.zero_grad()
        sum(objective(image).values()).backward()
        optimizer.step()
        if clamp:
            image.data.clamp_(0, 1)
    return image.detach()


@exercise
def loop_from_memory(attempt):
    """Exercise 2: the loop with Adam."""
    start = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    # Some targets are outside [0, 1], where no pixel may be.
    target = torch.linspace(-0.5, 1.5, start.numel()).reshape(start.shape)
    calls = []

    def objective(image):
        calls.append(1)
        return {
            "near": (image - target).square().mean(),
            "smooth": 0.1 * (image - image.mean()).square().mean(),
        }

    expected = _adam(start, objective)
    unclamped = _adam(start, objective, clamp=False)
    accumulated = _adam(start, objective, zero=False)
    calls.clear()
    given = start.clone()
    came = attempt(given, objective, 12, 0.1)
    if not torch.equal(given.detach(), start):
        raise Wrong(
            "the caller's start has changed. The optimizer changes its tensor in place, so give "
            "it a copy, start.clone()."
        )
    if isinstance(came, torch.Tensor) and came.shape == start.shape:
        if torch.allclose(came, accumulated, atol=1e-5):
            raise Wrong(
                "the gradients of all steps add up, because backward() adds to the gradient that "
                "is there. Call optimizer.zero_grad() once per step."
            )
        if torch.allclose(came, unclamped, atol=1e-5) or came.min() < 0 or came.max() > 1:
            raise Wrong(
                f"the range of the image: expected 0 to 1, got {came.min():.2f} to "
                f"{came.max():.2f}. Clamp the image after each step, in place and under "
                "torch.no_grad()."
            )
        if torch.equal(came, start):
            raise Wrong(
                "the image is still the start. Perhaps you return another tensor than the one "
                "that the optimizer changes."
            )
    if len(calls) not in (12, 13):
        raise Wrong(
            f"for 12 steps: expected 12 calls of the objective, got {len(calls)}. Call it once per "
            "step."
        )
    expect(
        "after 12 steps with lr 0.1",
        came,
        expected,
        "A step is one step of Adam on the sum of all terms, then the clamp.",
        tolerance=1e-4,
    )


class _TwoLayers:
    """A network of two layers. Its weight requires a gradient, and it keeps what it was given."""

    def __init__(self):
        self.weight = torch.tensor(0.5, requires_grad=True)
        self.seen = []

    def __call__(self, image, layers):
        self.seen.append(image.detach().clone())
        features = {"shallow": image * self.weight, "deep": image.square() * self.weight}
        names = [layers] if isinstance(layers, str) else layers
        return {name: features[name] for name in names}


@exercise
def several_depths(attempt):
    """Exercise 3: an objective with one content term per layer."""
    vgg = _TwoLayers()
    layers = ["shallow", "deep"]
    photo = torch.full((1, 3, 2, 2), 0.5)
    image = torch.ones(1, 3, 2, 2, requires_grad=True)
    objective = attempt(vgg, photo, layers)
    if not callable(objective):
        raise Wrong(
            f"expected a function, got {type(objective).__name__}. The objective is called with a "
            "new image at every step."
        )
    terms = objective(image)
    if not isinstance(terms, dict):
        raise Wrong(
            f"what the objective returns: expected a dict with one term per layer, {layers}, got "
            f"{type(terms).__name__}."
        )
    expect("the names of the terms", sorted(terms), sorted(layers), "Name each term by its layer.")
    try:
        for _ in range(2):
            sum(objective(image).values()).backward()
    except RuntimeError:
        raise Wrong(
            "the second backward pass failed. Perhaps the targets still carry the graph that "
            "computed them. Compute them under torch.no_grad(), or call detach()."
        ) from None
    wanted = {"shallow": (0.5 - 0.25) ** 2, "deep": (0.5 - 0.125) ** 2}
    for layer, expected in wanted.items():
        expect(
            f"the term of {layer!r} for a white image and a gray photo",
            terms[layer],
            expected,
            "Each term is the mean squared difference between the image's features and the "
            "photo's, at its layer.",
        )
    photos = sum(torch.equal(seen, photo) for seen in vgg.seen)
    if photos != 1:
        raise Wrong(
            f"passes of the photo through the network in 3 evaluations: expected 1, got {photos}. "
            "Compute the targets before you define the objective."
        )
    if len(vgg.seen) > 4:
        raise Wrong(
            "passes of the image through the network in 3 evaluations: expected 3, got "
            f"{len(vgg.seen) - 1}. Ask for all layers in one call."
        )
