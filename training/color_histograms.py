"""What ReID must beat: distances of colour histograms."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.structures import Float32Array, UInt8Array

STRIPES = 6  # from head to feet: trousers are compared with trousers
BINS = (8, 4, 4)  # of hue, saturation and value


def color_histogram(image_rgb: UInt8Array) -> Float32Array:
    """
    Histograms of hue, saturation and value, one per horizontal stripe.

    :param image_rgb: (H, W, 3).
    :returns: (D,) square roots of shares, so that scalar products are Bhattacharyya coefficients.
    """
    hsv = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2HSV)
    histograms = [
        cv2.calcHist([stripe], [0, 1, 2], None, BINS, (0, 180, 0, 256, 0, 256)).ravel()
        for stripe in np.array_split(hsv, STRIPES)
    ]
    shares = np.concatenate(histograms) / (hsv.shape[0] * hsv.shape[1])
    return np.sqrt(shares).astype(np.float32)


def histogram_distances(
    queries: Sequence[UInt8Array], gallery: Sequence[UInt8Array]
) -> NDArray[np.float32]:
    """Give (Q, G) one minus the mean Bhattacharyya coefficient of the stripes."""
    one, other = (
        np.stack([color_histogram(image) for image in images]) for images in (queries, gallery)
    )
    return np.asarray(1 - one @ other.T, np.float32)
