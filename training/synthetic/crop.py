"""One person as a detector and the network's cropper cut them out of a picture."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.crops import FILL_BGR, CropParams, crop_boxes
from training.synthetic.actions import sample_pose
from training.synthetic.background import place_behind, sample_occluder, sample_scenery
from training.synthetic.camera import Camera
from training.synthetic.degrade import (
    ImageFormation,
    defocus,
    degrade,
    develop,
    sample_camera_look,
    sample_moment,
)
from training.synthetic.domain import DOMAINS, Domain
from training.synthetic.framing import detected_box, image_border, pixels_outside
from training.synthetic.identity import Identity, attribute_row, sample_identity
from training.synthetic.keypoints import head_size, keypoints_in_view
from training.synthetic.light import sample_light
from training.synthetic.mesh import Mesh
from training.synthetic.props import bicycles, held_things, parked_bicycle, seats
from training.synthetic.renderer import render
from training.synthetic.scenery import Scenery
from training.synthetic.subject import place_person, silhouette_area

_FOCAL = 1000.0  # any number: the box decides the scale of a crop
_SUPERSAMPLING = 1.5  # rendered pixels per sensor pixel and axis
_PASSERS_BY = 200  # people to choose company from; building a body takes as long as drawing it
_MIN_VISIBLE = 0.33  # share of the person's pixels; with less nobody could label the crop


@dataclass(frozen=True)
class SyntheticCrop:
    """One person as the network sees it, with exact labels."""

    image_rgb: NDArray[np.uint8]  # (h, w, 3)
    keypoints: NDArray[np.float32]  # (16, 3) x, y in crop pixels; 1 visible, 0 hidden, -1 outside
    parts: NDArray[np.uint8]  # (h, w) index into LIP_PARTS; other people are background
    attributes: NDArray[np.uint8]  # (12,) class of each of MARKET_ATTRIBUTES
    box: NDArray[np.float32]  # (4,) xyxy around the whole body, hidden parts included, crop pixels
    visible: float  # share of the body in the picture that nothing hides
    head_size: float  # crown to upper neck, not foreshortened, crop pixels


@dataclass(frozen=True)
class Viewpoint:
    """A camera: where it is, what is behind the people and how its pictures look."""

    toward: float  # direction from the person to the camera, radians
    elevation: float  # of the camera above the person's middle, radians
    scenery: Scenery
    look: ImageFormation


def sample_viewpoint(rng: np.random.Generator, domain: Domain) -> Viewpoint:
    """Put up a camera."""
    toward = float(rng.uniform(0, 2 * np.pi))
    mean, spread = domain.elevation_deg
    elevation = float(np.clip(np.radians(rng.normal(mean, spread)), -0.12, 0.9))
    return Viewpoint(
        toward,
        elevation,
        sample_scenery(rng, toward + np.pi, domain.surroundings),
        sample_camera_look(rng, domain.photography),
    )


def _camera(rng: np.random.Generator, view: Viewpoint, distance: float, height: float) -> Camera:
    """Point a camera at a person at the origin who comes by at a distance."""
    toward = view.toward + rng.normal(0, 0.12)
    elevation = view.elevation + rng.normal(0, 0.03)
    target = np.array([0.0, 0.0, 0.5 * height])
    direction = np.array(
        [np.cos(toward) * np.cos(elevation), np.sin(toward) * np.cos(elevation), np.sin(elevation)]
    )
    position = target + distance * direction
    position[2] = max(position[2], 0.25)
    roll = float(rng.normal(0, 0.025))
    return Camera.looking_at(position, target, _FOCAL, (0.0, 0.0), roll)


@lru_cache(len(DOMAINS) * _PASSERS_BY)
def _passer_by(domain_name: str, index: int) -> Mesh:
    rng = np.random.default_rng([9000, index])
    domain = DOMAINS[domain_name]
    identity = sample_identity(rng, domain.population)
    return place_person(identity, sample_pose(rng, domain.actions), 0.0, (0.0, 0.0)).mesh


def _sample_company(
    rng: np.random.Generator, domain_name: str, toward: float, distance: float
) -> list[Mesh]:
    """Draw other people; those in front hide a part of the person or just miss it."""
    domain = DOMAINS[domain_name]
    company = []
    for _ in range(rng.choice(len(domain.company), p=domain.company)):
        if rng.random() < domain.in_front:
            forward = rng.uniform(0.45, max(0.5, 0.45 * distance))
            aside = rng.choice((-1, 1)) * rng.uniform(0.1, 0.7) * (1 - forward / distance)
        else:
            forward = -rng.uniform(0.4, 7)
            aside = rng.normal(0, 0.55)
        x = forward * np.cos(toward) - aside * np.sin(toward)
        y = forward * np.sin(toward) + aside * np.cos(toward)
        mesh = _passer_by(domain_name, int(rng.integers(_PASSERS_BY)))
        company.append(mesh.placed(rng.uniform(0, 2 * np.pi), (x, y)))
    return company


def render_crop(
    identity: Identity,
    rng: np.random.Generator,
    size_hw: tuple[int, int] = (256, 128),
    domain_name: str = 'surveillance',
    viewpoint: Viewpoint | None = None,
) -> SyntheticCrop:
    """
    Draw a person somewhere, doing something, and cut it out as the robot would.

    :param identity: whom to draw.
    :param rng: decides pose, light, company and box, and the viewpoint if none is given.
    :param size_hw: of the crop.
    :param domain_name: one of ``DOMAINS``.
    :param viewpoint: a camera that takes more pictures than this one.
    """
    while True:
        view = viewpoint or sample_viewpoint(rng, DOMAINS[domain_name])
        crop = _try_crop(identity, rng, size_hw, domain_name, view)
        if crop.visible >= _MIN_VISIBLE:
            return crop


def _try_crop(
    identity: Identity,
    rng: np.random.Generator,
    size_hw: tuple[int, int],
    domain_name: str,
    viewpoint: Viewpoint,
) -> SyntheticCrop:
    domain = DOMAINS[domain_name]
    pose = sample_pose(rng, domain.actions)
    yaw = rng.uniform(0, 2 * np.pi)
    subject = place_person(identity, pose, yaw, (0.0, 0.0))
    height = float(subject.mesh.vertices[:, 2].max())
    distance = float(np.exp(rng.uniform(*np.log(domain.distance))))
    camera = _camera(rng, viewpoint, distance, height)
    toward = viewpoint.toward
    scenery = viewpoint.scenery
    if domain.cameras:
        scenery = scenery.moved(*place_behind(rng, toward + np.pi, 0.0, 3.0, 0.9))
    scenery = scenery.extended(seats(rng, pose, subject, yaw))
    props = bicycles(rng, pose, subject, yaw)
    if rng.random() < domain.holding:
        props += held_things(rng, subject, yaw)
    for _ in range(rng.integers(1, 6) if rng.random() < domain.bicycles else 0):
        props.append(parked_bicycle(rng, place_behind(rng, toward + np.pi, 1.0, 8.0, 0.6)))
    if rng.random() < domain.occluded:
        scenery = scenery.extended([sample_occluder(rng, toward, 0.5 * distance, height)])
    company = _sample_company(rng, domain_name, toward, distance)

    points = camera.project(subject.mesh.vertices)[:, :2]
    whole = np.concatenate([points.min(axis=0), points.max(axis=0)])
    border = image_border(rng, whole, domain.framing)
    in_image = _intersection(whole, border)
    box = _intersection(detected_box(rng, in_image, domain.framing.jitter), border)
    if rng.random() < domain.framing.letterboxed:
        border = box
    area = crop_boxes(box, CropParams(height=size_hw[0], width=size_hw[1]))[0].astype(float)
    shrink = domain.photography.sample_shrink(rng)
    fine_scale = max(1.0, _SUPERSAMPLING * shrink)
    fine_hw = (round(size_hw[0] * fine_scale), round(size_hw[1] * fine_scale))
    fine_camera = camera.cropped(area, fine_hw)
    meshes = [subject.mesh, *props, *company]
    view = render(meshes, scenery, fine_camera, sample_light(rng, domain.daylight), fine_hw)

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
    formation = sample_moment(rng, domain.photography, viewpoint.look)
    light = defocus(view.image, view.depth > distance + 1.2, formation)
    image = _photograph(light, rng, size_hw, shrink, formation)
    image[outside] = FILL_BGR[::-1]
    corner = np.tile(area[:2], 2)
    return SyntheticCrop(
        image_rgb=image,
        keypoints=keypoints,
        parts=parts,
        attributes=attribute_row(identity),
        box=((whole - corner) * scale).astype(np.float32),
        visible=float((is_subject & inside_fine).sum() / max(alone, 1)),
        head_size=head_size(subject.joints, camera) * scale,
    )


def _intersection(box: NDArray, border: NDArray) -> NDArray[np.float64]:
    return np.concatenate([np.maximum(box[:2], border[:2]), np.minimum(box[2:], border[2:])])


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
    formation: ImageFormation,
) -> NDArray[np.uint8]:
    """Take the picture with a sensor of its own resolution, then resize it to the crop."""
    sensor = (max(16, round(size_hw[1] * shrink)), max(32, round(size_hw[0] * shrink)))
    small = np.asarray(cv2.resize(light, sensor, interpolation=cv2.INTER_AREA), np.float32)
    image = degrade(develop(small, formation), formation, rng)
    if sensor != (size_hw[1], size_hw[0]):
        image = np.asarray(
            cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR), np.uint8
        )
    return image
