"""Rotation matrices about the axes of a right-handed frame."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def rotation_x(angle: float) -> FloatArray:
    """Rotate by ``angle`` radians about x: y towards z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(angle: float) -> FloatArray:
    """Rotate by ``angle`` radians about y: z towards x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(angle: float) -> FloatArray:
    """Rotate by ``angle`` radians about z: x towards y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product over the last axis; ``np.cross`` takes several times as long on few rows."""
    a, b = np.broadcast_arrays(a, b)
    product = np.empty(a.shape)
    product[..., 0] = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
    product[..., 1] = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
    product[..., 2] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def normalized(vector: FloatArray) -> FloatArray:
    """Scale the last axis to length one."""
    length = np.sqrt(np.einsum('...i,...i->...', vector, vector))
    return vector / np.maximum(length, 1e-12)[..., None]
