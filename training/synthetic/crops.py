"""
Crops of rendered people as a detector and the network's cropper cut them.

    python -m training.synthetic.crops --identities 1500 --views 16 --size 192x96 --out DIR

writes one ``.npy`` file per field of :class:`SyntheticCrops`, which opens without being read.
"""

import argparse
from dataclasses import dataclass, fields
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from tqdm import tqdm

from person_mtl_ros.crops import FILL_BGR, CropParams, crop_boxes
from training.labels import MARKET_ATTRIBUTES
from training.synthetic.background import place_behind, sample_occluder, sample_scenery
from training.synthetic.camera import Camera
from training.synthetic.contact_sheet import contact_sheet
from training.synthetic.degrade import degrade, develop, sample_image_formation
from training.synthetic.framing import (
    detected_box,
    image_border,
    pixels_outside,
    sample_shrink,
)
from training.synthetic.identity import Identity, attribute_row, sample_identity
from training.synthetic.keypoints import keypoints_in_view
from training.synthetic.light import sample_light
from training.synthetic.mesh import Mesh
from training.synthetic.pose import sample_pose
from training.synthetic.props import bicycles, parked_bicycle, seats
from training.synthetic.renderer import render
from training.synthetic.subject import place_person, silhouette_area

_FOCAL = 1000.0  # any number: the box decides the scale of a crop
_SUPERSAMPLING = 1.5  # rendered pixels per sensor pixel and axis
_PASSERS_BY = 200  # people to choose company from; building a body takes as long as drawing it
_MIN_VISIBLE = 0.35  # share of the person's pixels; with less nobody could label the crop


@dataclass(frozen=True)
class SyntheticCrop:
    """One person as the network sees it, with exact labels."""

    image_rgb: NDArray[np.uint8]  # (h, w, 3)
    keypoints: NDArray[np.float32]  # (16, 3) x, y in crop pixels; 1 visible, 0 hidden, -1 outside
    parts: NDArray[np.uint8]  # (h, w) index into LIP_PARTS; other people are background
    attributes: NDArray[np.uint8]  # (12,) class of each of MARKET_ATTRIBUTES
    box: NDArray[np.float32]  # (4,) xyxy around the whole body, hidden parts included, crop pixels
    visible: float  # share of the body in the crop that nothing hides


@dataclass(frozen=True)
class SyntheticCrops:
    """Many crops, first axis N; the fields are those of :class:`SyntheticCrop`."""

    image_rgb: NDArray[np.uint8]  # (N, h, w, 3)
    keypoints: NDArray[np.float32]  # (N, 16, 3)
    parts: NDArray[np.uint8]  # (N, h, w)
    attributes: NDArray[np.uint8]  # (N, 12)
    box: NDArray[np.float32]  # (N, 4)
    visible: NDArray[np.float32]  # (N,)
    identity: NDArray[np.int32]  # (N,)


def _sample_camera(rng: np.random.Generator, height: float) -> tuple[Camera, float, float]:
    """Draw a camera that looks at the origin, its direction from there and its distance."""
    toward = rng.uniform(0, 2 * np.pi)
    elevation = float(np.clip(np.radians(abs(rng.normal(0, 13)) - 3), -0.08, 0.8))
    distance = float(np.exp(rng.uniform(np.log(2.5), np.log(25))))
    target = np.array([0.0, 0.0, 0.5 * height])
    direction = np.array(
        [np.cos(toward) * np.cos(elevation), np.sin(toward) * np.cos(elevation), np.sin(elevation)]
    )
    position = target + distance * direction
    position[2] = max(position[2], 0.25)
    roll = float(rng.normal(0, 0.025))
    return Camera.looking_at(position, target, _FOCAL, (0.0, 0.0), roll), toward, distance


@lru_cache(_PASSERS_BY)
def _passer_by(index: int) -> Mesh:
    rng = np.random.default_rng([9000, index])
    return place_person(sample_identity(rng), sample_pose(rng), 0.0, (0.0, 0.0)).mesh


def _sample_company(rng: np.random.Generator, toward: float, reach: float) -> list[Mesh]:
    """Draw other people, in front, beside and behind."""
    count = rng.choice(6, p=(0.44, 0.26, 0.15, 0.08, 0.05, 0.02))
    company = []
    for _ in range(count):
        forward = (
            rng.uniform(0.45, max(0.5, reach)) if rng.random() < 0.3 else -rng.uniform(0.4, 7)
        )
        aside = rng.normal(0, 0.55) + (0.25 if forward > 0 else 0.0) * rng.choice((-1, 1))
        if abs(aside) < 0.3 and forward > 0:
            aside = float(np.copysign(0.3, aside))
        x = forward * np.cos(toward) - aside * np.sin(toward)
        y = forward * np.sin(toward) + aside * np.cos(toward)
        yaw = rng.uniform(0, 2 * np.pi)
        company.append(_passer_by(int(rng.integers(_PASSERS_BY))).placed(yaw, (x, y)))
    return company


def render_crop(
    identity: Identity, rng: np.random.Generator, size_hw: tuple[int, int] = (256, 128)
) -> SyntheticCrop:
    """
    Draw a person somewhere, doing something, and cut it out as the robot would.

    :param identity: whom to draw.
    :param rng: decides pose, view, light, company, box and camera.
    :param size_hw: of the crop.
    """
    while True:
        crop = _try_crop(identity, rng, size_hw)
        if crop.visible >= _MIN_VISIBLE:
            return crop


def _try_crop(
    identity: Identity, rng: np.random.Generator, size_hw: tuple[int, int]
) -> SyntheticCrop:
    pose = sample_pose(rng)
    yaw = rng.uniform(0, 2 * np.pi)
    subject = place_person(identity, pose, yaw, (0.0, 0.0))
    height = float(subject.mesh.vertices[:, 2].max())
    camera, toward, distance = _sample_camera(rng, height)
    scenery = sample_scenery(rng, toward + np.pi)
    scenery = scenery.extended(seats(rng, pose, subject))
    props = bicycles(rng, pose, subject, yaw)
    for _ in range(rng.integers(1, 6) if rng.random() < 0.25 else 0):
        props.append(parked_bicycle(rng, place_behind(rng, toward + np.pi, 1.0, 8.0, 0.6)))
    if rng.random() < 0.13:
        scenery = scenery.extended([sample_occluder(rng, toward, 0.5 * distance, height)])
    company = _sample_company(rng, toward, 0.45 * distance)
    meshes = [subject.mesh, *props, *company]

    points = camera.project(subject.mesh.vertices)[:, :2]
    whole = np.concatenate([points.min(axis=0), points.max(axis=0)])
    box = detected_box(rng, whole)
    border = image_border(rng, box, whole)
    box = np.concatenate([np.maximum(box[:2], border[:2]), np.minimum(box[2:], border[2:])])
    area = crop_boxes(box, CropParams(height=size_hw[0], width=size_hw[1]))[0].astype(float)
    shrink = sample_shrink(rng)
    fine_scale = max(1.0, _SUPERSAMPLING * shrink)
    fine_hw = (round(size_hw[0] * fine_scale), round(size_hw[1] * fine_scale))
    fine_camera = camera.cropped(area, fine_hw)
    view = render(meshes, scenery, fine_camera, sample_light(rng), fine_hw)

    is_subject = view.person == 0
    parts = _nearest(np.where(is_subject, view.part, 0).astype(np.uint8), size_hw)
    alone = silhouette_area(subject.mesh, fine_camera, fine_hw)
    scale = size_hw[0] / (area[3] - area[1])
    outside = pixels_outside(border, area, scale, size_hw)
    inside_fine = ~_nearest(outside, fine_hw)
    keypoints = keypoints_in_view(subject.joints, fine_camera, view, 0)
    keypoints[:, 0] *= size_hw[1] / fine_hw[1]
    keypoints[:, 1] *= size_hw[0] / fine_hw[0]
    x = np.clip(keypoints[:, 0].astype(int), 0, size_hw[1] - 1)
    y = np.clip(keypoints[:, 1].astype(int), 0, size_hw[0] - 1)
    within = keypoints[:, 2] >= 0
    within[within] &= ~outside[y[within], x[within]]
    keypoints[~within, 2] = -1
    parts[outside] = 0
    image = _photograph(view.image, rng, size_hw, shrink)
    image[outside] = FILL_BGR[::-1]
    corner = np.tile(area[:2], 2)
    return SyntheticCrop(
        image_rgb=image,
        keypoints=keypoints,
        parts=parts,
        attributes=attribute_row(identity),
        box=((whole - corner) * scale).astype(np.float32),
        visible=float((is_subject & inside_fine).sum() / max(alone, 1)),
    )


def _nearest(labels: NDArray, size_hw: tuple[int, int]) -> NDArray:
    """Sample a label map at the pixel centres of another size."""
    rows = ((np.arange(size_hw[0]) + 0.5) * labels.shape[0] / size_hw[0]).astype(int)
    columns = ((np.arange(size_hw[1]) + 0.5) * labels.shape[1] / size_hw[1]).astype(int)
    return labels[rows[:, None], columns[None, :]]


def _photograph(
    light: NDArray[np.floating],
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    shrink: float,
) -> NDArray[np.uint8]:
    """Take the picture with a sensor of its own resolution, then resize it to the crop."""
    formation = sample_image_formation(rng)
    sensor = (max(16, round(size_hw[1] * shrink)), max(32, round(size_hw[0] * shrink)))
    small = np.asarray(cv2.resize(light, sensor, interpolation=cv2.INTER_AREA), np.float32)
    image = develop(small, formation)
    image = degrade(image, formation, rng)
    if sensor != (size_hw[1], size_hw[0]):
        image = np.asarray(
            cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR), np.uint8
        )
    return image


def _crops_of(task: tuple[int, int, int, tuple[int, int]]) -> list[SyntheticCrop]:
    seed, identity_index, views, size_hw = task
    cv2.setNumThreads(1)
    identity = sample_identity(np.random.default_rng([seed, identity_index]))
    return [
        render_crop(identity, np.random.default_rng([seed, identity_index, view]), size_hw)
        for view in range(views)
    ]


def generate_crops(
    folder: Path,
    n_identities: int,
    views_per_identity: int,
    size_hw: tuple[int, int],
    seed: int,
    workers: int = 1,
) -> SyntheticCrops:
    """
    Render a data set; the same arguments give the same bytes, whatever ``workers``.

    :param folder: receives one ``.npy`` per field.
    :param n_identities: number of people.
    :param views_per_identity: crops of each, in different poses, places, light.
    :param size_hw: of the crops.
    :param seed: of everything.
    :param workers: processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = n_identities * views_per_identity
    height, width = size_hw
    layout = {
        'image_rgb': ((height, width, 3), np.uint8),
        'keypoints': ((16, 3), np.float32),
        'parts': ((height, width), np.uint8),
        'attributes': ((len(MARKET_ATTRIBUTES),), np.uint8),
        'box': ((4,), np.float32),
        'visible': ((), np.float32),
        'identity': ((), np.int32),
    }
    arrays = {
        name: open_memmap(folder / f'{name}.npy', 'w+', dtype, (count, *shape))
        for name, (shape, dtype) in layout.items()
    }
    tasks = [(seed, index, views_per_identity, size_hw) for index in range(n_identities)]
    # Forking would copy the locks of OpenCV's threads in whatever state they are.
    with get_context('spawn').Pool(workers) as pool:
        results = tqdm(pool.imap(_crops_of, tasks), 'people', n_identities)
        for identity_index, crops in enumerate(results):
            for view, crop in enumerate(crops):
                row = identity_index * views_per_identity + view
                for field in fields(crop):
                    arrays[field.name][row] = getattr(crop, field.name)
                arrays['identity'][row] = identity_index
    for array in arrays.values():
        array.flush()
    return SyntheticCrops(**arrays)


def load_crops(folder: Path) -> SyntheticCrops:
    """Open a folder written by :func:`generate_crops`; pixels are read when they are used."""
    arrays = {
        field.name: np.load(folder / f'{field.name}.npy', mmap_mode='r')
        for field in fields(SyntheticCrops)
    }
    return SyntheticCrops(**arrays)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Render crops of people with exact labels.')
    parser.add_argument('--identities', type=int, default=100, help='number of people')
    parser.add_argument('--views', type=int, default=8, help='crops of each person')
    parser.add_argument('--size', default='256x128', help='height x width of a crop in pixels')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, default=2, help='processes')
    parser.add_argument('--out', type=Path, required=True, help='folder for the .npy files')
    parser.add_argument('--contact-sheet', type=Path, help='picture of the first 40 crops')
    args = parser.parse_args()
    height, width = (int(value) for value in args.size.split('x'))
    size_hw = (height, width)
    crops = generate_crops(args.out, args.identities, args.views, size_hw, args.seed, args.workers)
    if args.contact_sheet:
        sheet = contact_sheet(crops.image_rgb[:40], crops.parts[:40], crops.keypoints[:40])
        cv2.imwrite(str(args.contact_sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


if __name__ == '__main__':
    main()
