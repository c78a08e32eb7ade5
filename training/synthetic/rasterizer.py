"""A z-buffer triangle rasteriser."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model='numpy', fastmath=True)
def rasterize(
    points: NDArray,
    faces: NDArray,
    first_face: int,
    depth: NDArray,
    face_index: NDArray,
    weights: NDArray,
) -> None:
    """
    Draw triangles into a z-buffer; nearer ones win.

    Triangles with a corner nearer than 5 cm are left out: clipping them is not worth its code.

    :param points: (V, 3) x, y in pixels (pixel centres at .5) and depth along the view axis.
    :param faces: (F, 3) corner indices.
    :param first_face: number written for face 0, so that several meshes share the buffers.
    :param depth: (H, W) read and written; start from infinity or from the scenery.
    :param face_index: (H, W) int32, number of the visible face.
    :param weights: (H, W, 2) perspective-correct weights of corners 1 and 2.
    """
    height, width = depth.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        za, zb, zc = points[a, 2], points[b, 2], points[c, 2]
        if za < 0.05 or zb < 0.05 or zc < 0.05:
            continue
        xa, ya = points[a, 0], points[a, 1]
        xb, yb = points[b, 0], points[b, 1]
        xc, yc = points[c, 0], points[c, 1]
        x0 = max(0, int(np.ceil(min(xa, xb, xc) - 0.5)))
        x1 = min(width - 1, int(np.floor(max(xa, xb, xc) - 0.5)))
        y0 = max(0, int(np.ceil(min(ya, yb, yc) - 0.5)))
        y1 = min(height - 1, int(np.floor(max(ya, yb, yc) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area == 0.0:
            continue
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                wb = ((px - xa) * (yc - ya) - (xc - xa) * (py - ya)) / area
                wc = ((xb - xa) * (py - ya) - (px - xa) * (yb - ya)) / area
                wa = 1.0 - wb - wc
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                inverse_z = wa / za + wb / zb + wc / zc
                z = 1.0 / inverse_z
                if z < depth[y, x]:
                    depth[y, x] = z
                    face_index[y, x] = first_face + f
                    weights[y, x, 0] = wb / zb * z
                    weights[y, x, 1] = wc / zc * z


@njit(cache=True, error_model='numpy', fastmath=True)
def rasterize_height(points: NDArray, faces: NDArray, height_map: NDArray) -> None:
    """
    Draw triangles seen by the sun (parallel rays); the larger third coordinate wins.

    :param points: (V, 3) x, y in cells of the map and the coordinate towards the sun, metres.
    :param faces: (F, 3) corner indices.
    :param height_map: (H, W) read and written; start from minus infinity.
    """
    rows, columns = height_map.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        xa, ya = points[a, 0], points[a, 1]
        xb, yb = points[b, 0], points[b, 1]
        xc, yc = points[c, 0], points[c, 1]
        x0 = max(0, int(np.ceil(min(xa, xb, xc) - 0.5)))
        x1 = min(columns - 1, int(np.floor(max(xa, xb, xc) - 0.5)))
        y0 = max(0, int(np.ceil(min(ya, yb, yc) - 0.5)))
        y1 = min(rows - 1, int(np.floor(max(ya, yb, yc) - 0.5)))
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area == 0.0:
            continue
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                px, py = x + 0.5, y + 0.5
                wb = ((px - xa) * (yc - ya) - (xc - xa) * (py - ya)) / area
                wc = ((xb - xa) * (py - ya) - (px - xa) * (yb - ya)) / area
                if wb < 0.0 or wc < 0.0 or wb + wc > 1.0:
                    continue
                z = (1 - wb - wc) * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
                height_map[y, x] = max(height_map[y, x], z)
