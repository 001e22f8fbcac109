"""The bilinear layer: one row of products, one matrix product."""

from minigrad.errors import ShapeError
from minigrad.ops.linalg import linear
from minigrad.ops.shape import check_tensor, reshape, same_dtypes, unsqueeze

__all__ = ["bilinear"]


def bilinear(input1, input2, weight, bias=None):
    """Bilinear map: y_o = Σ_ij x_i W_oij z_j + b_o, for x of `input1` and z of `input2`.

    Parameters
    ----------
    input1 : Tensor, (..., in1)
    input2 : Tensor, (..., in2)
        With the leading axes of `input1`.
    weight : Tensor, (out, in1, in2)
    bias : Tensor, (out,), optional

    Returns
    -------
    Tensor, (..., out)

    Raises
    ------
    ShapeError
        The sizes do not match.
    DtypeError
        The dtypes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> x, z = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])
    >>> mg.nn.functional.bilinear(x, z, mg.ones(1, 2, 2))  # (1 + 2) (3 + 4)
    tensor([21.])
    """
    name = "bilinear"
    check_tensor(input1, name), check_tensor(input2, name), check_tensor(weight, name)
    x, z = input1.shape, input2.shape
    if not x or not z or x[:-1] != z[:-1]:
        raise ShapeError(
            f"{name}: expected inputs (..., in1) and (..., in2) with the same leading axes, "
            f"got shapes {x} and {z}"
        )
    if weight.ndim != 3 or weight.shape[1:] != (x[-1], z[-1]):
        raise ShapeError(
            f"{name}: expected a weight (out, {x[-1]}, {z[-1]}) for the inputs {x} and {z}, "
            f"got shape {weight.shape}"
        )
    if bias is not None and check_tensor(bias, name).shape != weight.shape[:1]:
        raise ShapeError(
            f"{name}: expected a bias {weight.shape[:1]} for the weight {weight.shape}, "
            f"got shape {bias.shape}"
        )
    same_dtypes(name, input1, input2, weight, bias)
    products = unsqueeze(input1, -1) * unsqueeze(input2, -2)  # (..., in1, in2)
    rows = reshape(products, x[:-1] + (x[-1] * z[-1],))
    return linear(rows, reshape(weight, (weight.shape[0], x[-1] * z[-1])), bias)
