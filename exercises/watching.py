"""Sees what an attempt does: which of torch's functions it calls, and what a network computes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

MATRIX_PRODUCTS = frozenset(
    {
        "matmul",
        "__matmul__",
        "__rmatmul__",
        "mm",
        "bmm",
        "mv",
        "dot",
        "vdot",
        "inner",
        "outer",
        "ger",
        "einsum",
        "tensordot",
        "baddbmm",
        "addmm",
        "addbmm",
        "multi_dot",
        "linalg_multi_dot",
        "linear",
        "bilinear",
        "cov",
        "corrcoef",
    }
)
AUTOGRAD = frozenset({"backward", "grad", "requires_grad_", "vjp", "jacobian"})


class Watch(TorchFunctionMode):
    """Collects, inside a `with` block, which of the functions named in `names` were called."""

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.called = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in self.names:
            self.called.add(name)
        return function(*args, **(kwargs or {}))


@dataclass
class Pass:
    """One pass of a picture through a network."""

    picture: Tensor  # as it reached the first layer, so after normalization
    of_image: bool  # whether it was computed from a tensor that gets a gradient
    gradient: Tensor | None = None  # of the loss with respect to `picture`
    not_cleared: bool = False  # whether an old gradient was still there when this one came
    reached: bool = False  # whether a gradient came back to the first layer


def watch_passes(network: nn.Sequential) -> list[Pass]:
    """Returns a list to which each pass through the network will be added, with its gradient."""
    passes = []

    def before(layer, inputs):
        (picture,) = inputs
        grows = torch.is_grad_enabled() and picture.requires_grad
        new = Pass(picture.detach().clone(), grows)
        passes.append(new)
        if grows:
            leaf = leaf_of(picture)
            picture.register_hook(lambda gradient: _add(new, gradient, leaf))

    def after(layer, inputs, output):
        new = passes[-1]
        if output.requires_grad:
            output.register_hook(lambda gradient: setattr(new, "reached", True))

    network[0].register_forward_pre_hook(before)
    network[0].register_forward_hook(after)
    return passes


def leaf_of(tensor: Tensor) -> Tensor | None:
    """The first tensor that requires a gradient from which `tensor` was computed."""
    node = tensor.grad_fn
    if node is None:
        return tensor
    while node is not None and not hasattr(node, "variable"):
        followed = [following for following, _ in node.next_functions if following is not None]
        node = followed[0] if followed else None
    return node.variable if node is not None else None


def _add(new: Pass, gradient: Tensor, leaf: Tensor | None) -> None:
    """Adds a gradient to a pass; two backward passes of one evaluation give their sum."""
    if new.gradient is None:
        old = None if leaf is None else leaf.grad
        new.not_cleared = old is not None and bool(old.any())
        new.gradient = gradient.detach().clone()
    else:
        new.gradient = new.gradient + gradient.detach()
