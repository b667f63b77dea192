"""Sees which of torch's functions an attempt calls. Some exercises ask for a way without them."""

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
