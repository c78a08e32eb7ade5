"""
Video scenes of walking people in the folder layout of the MOT challenges.

    python -m training.synthetic.scene --seed 1 --people 10 --seconds 20 --camera static --out DIR

writes ``DIR/<name>.mp4``, ``gt/gt.txt``, ``det/det.txt``, ``seqinfo.ini`` and ``people.npz`` with
the joints of every frame and the attributes of every person.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.synthetic.camera import Camera
from training.synthetic.degrade import ImageFormation, degrade, develop
from training.synthetic.detections import DetectorParams, SimulatedDetector
from training.synthetic.identity import Identity, attribute_row, sample_identity
from training.synthetic.keypoints import keypoints_in_view
from training.synthetic.light import Light
from training.synthetic.mesh import Mesh
from training.synthetic.mot_folder import SceneFrame, write_mot_folder
from training.synthetic.plaza import FOCAL_SHARE, sample_meeting_point, sample_plaza, with_kiosk
from training.synthetic.renderer import NOISE, render
from training.synthetic.rotation import rotation_z
from training.synthetic.scenery import Scenery, SceneryView, view_scenery
from training.synthetic.subject import place_person, silhouette_area
from training.synthetic.walker import (
    Route,
    Walker,
    crossing_route,
    smooth_positions,
    talking_routes,
)

_SUPERSAMPLING = 1.5  # rendered pixels per image pixel and axis
_NEAR, _FAR = 4.8, 11.5  # metres from the camera at which people walk
_HALF_VIEW = 0.5 / FOCAL_SHARE  # half the picture's width per metre of distance
_METERED_LIGHT = 0.165  # mean linear light the exposure is set for, the same for all frames
_ELBOW_ROOM = 0.55  # metres that people keep from each other, centre to centre
_WALL_ROOM = 0.35  # metres that people keep from walls and pillars
_ATTEMPTS = 300  # routes drawn until one is free; a crowded square may have none


@dataclass(frozen=True)
class SceneParams:
    """What is filmed."""

    seed: int = 0
    people: int = 10
    seconds: float = 20.0
    fps: int = 10
    size_hw: tuple[int, int] = (540, 960)
    is_moving: bool = False  # the camera pans, shakes and drives forward
    shake: float = 0.0  # radians; how far a moving camera swings about each axis, thrice a second
    is_uniform: bool = False  # all wear the clothes of the first
    has_kiosk: bool = False  # one in the middle hides who passes behind it for seconds


class Scene:
    """A place, its people and a camera; frames are independent of each other."""

    def __init__(self, params: SceneParams) -> None:
        self.params = params
        rng = np.random.default_rng([params.seed, 101])
        self.times = np.arange(round(params.seconds * params.fps)) / params.fps
        self.scenery: Scenery = sample_plaza(rng)
        if params.has_kiosk:
            self.scenery = with_kiosk(self.scenery)
        self.light = _sample_daylight(rng)
        self.walkers = self._sample_walkers(rng)
        self._camera_height = float(rng.uniform(1.9, 3.2))
        self._camera_phase = rng.uniform(0, 2 * np.pi, 4)
        self._formation = ImageFormation(
            exposure=float(rng.uniform(0.95, 1.2)),
            contrast=float(rng.uniform(0.95, 1.1)),
            saturation=float(rng.uniform(0.85, 1.05)),
            blur_sigma=0.35,
            noise=float(rng.uniform(0.8, 2.0)),
        )
        self._fine_hw = (
            round(params.size_hw[0] * _SUPERSAMPLING),
            round(params.size_hw[1] * _SUPERSAMPLING),
        )
        self._static_view: SceneryView | None = None

    def _sample_walkers(self, rng: np.random.Generator) -> list[Walker]:
        seed, count = self.params.seed, self.params.people
        identities = [
            sample_identity(np.random.default_rng([seed, 202, index])) for index in range(count)
        ]
        if self.params.is_uniform:
            identities = [_dressed_as(identity, identities[0]) for identity in identities]
        walkers: list[Walker] = []
        for pair in range(max(1, count // 5) if count > 1 else 0):
            for route in self._talking_pair(rng, pair % 2, walkers):
                walkers.append(Walker(identities[len(walkers)], route, self.times, rng))
        while len(walkers) < count:
            route = self._free_route(rng, walkers)
            walkers.append(Walker(identities[len(walkers)], route, self.times, rng))
        return walkers

    def _talking_pair(
        self, rng: np.random.Generator, pillar_index: int, others: list[Walker]
    ) -> tuple[Route, ...]:
        """Draw two people who meet behind a pillar; nobody if there is no room for them."""
        for _ in range(_ATTEMPTS):
            meeting = sample_meeting_point(rng, self.scenery, pillar_index)
            routes = talking_routes(rng, meeting, _HALF_VIEW)
            ways = [smooth_positions(route, self.times) for route in routes]
            if min(self._clearance(way, others) for way in ways) > 0:
                return routes
        return ()

    def _free_route(self, rng: np.random.Generator, others: list[Walker]) -> Route:
        """Draw routes until nothing is in the way, and take the one with most room."""
        best, most = None, -np.inf
        for _ in range(_ATTEMPTS):
            route = crossing_route(rng, self.params.seconds, _HALF_VIEW, _NEAR, _FAR)
            clearance = self._clearance(smooth_positions(route, self.times), others)
            if best is None or clearance > most:
                best, most = route, clearance
            if clearance > 0:
                break
        assert best is not None
        return best

    def _clearance(self, positions: NDArray[np.float64], others: list[Walker]) -> float:
        """Metres left to the nearest person or thing on a way (T, 2); below 0 is a collision."""
        gaps = [1.0]
        for other in others:
            gaps.append(np.hypot(*(positions - other.positions).T).min() - _ELBOW_ROOM)
        for pillar in self.scenery.cylinders:
            distance = np.hypot(*(positions - pillar.center_xy).T).min()
            gaps.append(distance - pillar.radius - _WALL_ROOM)
        for box in self.scenery.boxes:
            local = np.abs((positions - box.center_xy) @ rotation_z(box.yaw)[:2, :2])
            outside = local - (box.half_length, box.half_width)
            gaps.append(outside.max(axis=1).min() - _WALL_ROOM)
        return float(min(gaps))

    def camera(self, index: int) -> Camera:
        """Camera of frame ``index`` in pixels of the image."""
        height, width = self.params.size_hw
        position = np.array([0.0, 0.0, self._camera_height])
        pan, tilt, roll = 0.0, 0.0, 0.0
        if self.params.is_moving:
            t = self.times[index]
            a, b, c, d = self._camera_phase
            pan = 0.13 * (np.sin(0.45 * t + a) - np.sin(a)) + 0.004 * np.sin(7.1 * t + b)
            tilt = 0.006 * np.sin(8.3 * t + c) + 0.004 * np.sin(5.2 * t + b)
            roll = 0.006 * np.sin(6.1 * t + d)
            pan += self.params.shake * np.sin(19.0 * t + d)
            tilt += self.params.shake * np.sin(23.0 * t + a)
            roll += self.params.shake * np.sin(17.0 * t + c)
            sway = (0.06 * t, 0.5 * np.sin(0.2 * t), 0.012 * np.sin(9 * t + d))
            position = position + np.array(sway)
        target = position + np.array([10 * np.cos(pan), 10 * np.sin(pan), -1.6 + 10 * tilt])
        focal = FOCAL_SHARE * width
        return Camera.looking_at(position, target, focal, (width / 2, height / 2), roll)

    def frame(self, index: int) -> SceneFrame:
        """Render frame ``index`` with its labels."""
        height, width = self.params.size_hw
        camera = self.camera(index)
        fine = camera.cropped(np.array([0, 0, width, height]), self._fine_hw)
        people = [
            place_person(
                walker.identity,
                walker.pose(index),
                float(walker.yaw[index]),
                (float(walker.positions[index, 0]), float(walker.positions[index, 1])),
            )
            for walker in self.walkers
        ]
        if not self.params.is_moving and self._static_view is None:
            self._static_view = view_scenery(self.scenery, fine, self._fine_hw, NOISE)
        meshes = [person.mesh for person in people]
        view = render(meshes, self.scenery, fine, self.light, self._fine_hw, self._static_view)

        pixels = np.bincount(view.person[view.person >= 0].ravel(), minlength=len(people))
        ids, boxes, visible, keypoints = [], [], [], []
        for person, subject in enumerate(people):
            points = camera.project(subject.mesh.vertices)
            if points[:, 2].min() < 0.3:
                continue
            whole = np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])
            box = np.clip(whole, 0, (width, height, width, height))
            if min(box[2:] - box[:2]) < 1:
                continue
            ids.append(person + 1)
            boxes.append(box)
            visible.append(_visible_share(subject.mesh, camera, whole, pixels[person]))
            joints = keypoints_in_view(subject.joints, fine, view, person)
            joints[:, :2] *= width / self._fine_hw[1]
            keypoints.append(joints)
        small = cv2.resize(view.image, (width, height), interpolation=cv2.INTER_AREA)
        rng = np.random.default_rng([self.params.seed, 303, index])
        image = degrade(
            develop(np.asarray(small), self._formation, _METERED_LIGHT), self._formation, rng
        )
        return SceneFrame(
            image_rgb=image,
            ids=np.array(ids, np.int32),
            boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            visible=np.array(visible, np.float32),
            keypoints=np.array(keypoints, np.float32).reshape(-1, 16, 3),
        )

    def frames(self, workers: int = 1) -> Iterator[SceneFrame]:
        """Render all frames; the result does not depend on ``workers``."""
        if workers == 1:
            yield from map(self.frame, range(len(self.times)))
            return
        # Forking would copy the locks of OpenCV's threads in whatever state they are.
        with get_context('spawn').Pool(workers, _start_worker, (self.params,)) as pool:
            yield from pool.imap(_worker_frame, range(len(self.times)), chunksize=4)


def _dressed_as(identity: Identity, model: Identity) -> Identity:
    """Body, skin and hair of one person, clothes and bags of another."""
    return replace(
        identity,
        upper=model.upper,
        outer=model.outer,
        lower=model.lower,
        footwear=model.footwear,
        accessories=model.accessories,
    )


def _sample_daylight(rng: np.random.Generator) -> Light:
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.1)
    flat = np.cos(elevation)
    direction = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
    strength = rng.uniform(0.4, 0.8)
    sky = np.array([0.46, 0.5, 0.56])
    return Light(direction, strength * np.array([1.04, 1.0, 0.94]), sky, 0.55 * sky)


def _visible_share(mesh: Mesh, camera: Camera, whole: NDArray, seen_pixels: int) -> float:
    """
    Share of a person that is seen, hidden parts and those outside the image counted.

    :param whole: (4,) box around all of the person, pixels of ``camera``.
    :param seen_pixels: rendered pixels that show the person.
    """
    width, height = np.ceil(0.5 * _SUPERSAMPLING * (whole[2:] - whole[:2])).astype(int)
    size_hw = (int(height), int(width))
    area = silhouette_area(mesh, camera.cropped(whole, size_hw), size_hw)
    pixels_per_cell = _SUPERSAMPLING**2 * np.prod(whole[2:] - whole[:2]) / (height * width)
    return float(min(1.0, seen_pixels / max(area * pixels_per_cell, 1.0)))


_worker_scene: Scene | None = None


def _start_worker(params: SceneParams) -> None:
    global _worker_scene
    cv2.setNumThreads(1)
    _worker_scene = Scene(params)


def _worker_frame(index: int) -> SceneFrame:
    assert _worker_scene is not None
    return _worker_scene.frame(index)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Render a video of walking people with labels.')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--people', type=int, default=10)
    parser.add_argument('--seconds', type=float, default=20.0)
    parser.add_argument('--fps', type=int, default=10)
    parser.add_argument('--size', default='960x540', help='width x height in pixels')
    parser.add_argument('--camera', choices=('static', 'moving'), default='static')
    parser.add_argument('--workers', type=int, default=2, help='processes')
    parser.add_argument('--out', type=Path, required=True, help='folder, named as the sequence')
    args = parser.parse_args()
    width, height = (int(value) for value in args.size.split('x'))
    params = SceneParams(
        args.seed, args.people, args.seconds, args.fps, (height, width), args.camera == 'moving'
    )
    scene = Scene(params)
    detector = SimulatedDetector(DetectorParams(), np.random.default_rng([args.seed, 404]))
    rows = np.stack([attribute_row(walker.identity) for walker in scene.walkers])
    frames = tqdm(scene.frames(args.workers), 'frames', len(scene.times))
    write_mot_folder(args.out, frames, args.fps, rows, detector)


if __name__ == '__main__':
    main()
