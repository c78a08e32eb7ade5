"""
Rendered scenes that are hard on a tracker, always the same.

    python -m training.synthetic.stress_scenes --out DIR

makes a folder in the layout of the MOT challenges for each of :data:`STRESS_SCENES`. One that is
there already is kept, unless it was made with other settings.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.synthetic.detections import DetectorParams, SimulatedDetector
from training.synthetic.identity import attribute_row
from training.synthetic.mot_folder import write_mot_folder
from training.synthetic.scene import Scene, SceneParams

# Sees everybody of whom a third is in view: what goes wrong then is the tracker's fault.
GOOD_DETECTOR = DetectorParams(
    miss=0.0, miss_occluded=1.0, lapse=0.0, false_boxes=0.0, jitter=0.01, min_height=20.0
)
BAD_DETECTOR = DetectorParams(
    miss=0.3, miss_occluded=1.0, lapse=0.0, false_boxes=0.0, jitter=0.01, min_height=20.0
)
SIZE_HW = (360, 640)
SETTINGS_FILE = 'settings.json'  # written last: a folder with it is complete


@dataclass(frozen=True)
class StressScene:
    """One scene and how people are detected in it."""

    name: str
    scene: SceneParams
    detector: DetectorParams = GOOD_DETECTOR


def _params(seed: int, **changes: float) -> SceneParams:
    standard = {'people': 8, 'seconds': 20.0, 'fps': 10, 'size_hw': SIZE_HW}
    return SceneParams(seed, **{**standard, **changes})  # type: ignore[arg-type]


STRESS_SCENES = (
    StressScene('crossing', _params(901)),
    StressScene('misses', _params(901), BAD_DETECTOR),
    StressScene('long_occlusion', _params(902, has_kiosk=True)),
    StressScene('uniforms', _params(903, is_uniform=True)),
    StressScene('crowd', _params(904, people=40, seconds=10.0)),
    StressScene('shaking_camera', _params(905, is_moving=True, shake=0.02)),
    StressScene('fast', _params(906, fps=30, seconds=15.0)),
)


def render_stress_scenes(
    folder: Path, scenes: Iterable[StressScene] = STRESS_SCENES, workers: int = 1
) -> list[Path]:
    """
    Render what is not there yet.

    :param folder: gets one folder per scene.
    :param scenes: those of one scene that follow each other are rendered once.
    :param workers: processes.
    :returns: the folders of all scenes.
    """
    scenes = list(scenes)
    missing = [scene for scene in scenes if not _is_there(folder / scene.name, scene)]
    for params, same in groupby(missing, key=lambda scene: scene.scene):
        scene = Scene(params)
        frames = list(_progress(scene, workers))
        rows = np.stack([attribute_row(walker.identity) for walker in scene.walkers])
        for stress in same:
            detector = SimulatedDetector(
                stress.detector, np.random.default_rng([params.seed, 404])
            )
            write_mot_folder(folder / stress.name, frames, params.fps, rows, detector)
            (folder / stress.name / SETTINGS_FILE).write_text(_settings(stress))
    return [folder / scene.name for scene in scenes]


def _progress(scene: Scene, workers: int) -> Iterator:
    yield from tqdm(scene.frames(workers), 'render', len(scene.times), disable=None)


def _settings(stress: StressScene) -> str:
    return json.dumps(asdict(stress), indent=2)


def _is_there(folder: Path, stress: StressScene) -> bool:
    path = folder / SETTINGS_FILE
    return path.is_file() and path.read_text() == _settings(stress)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Render scenes that are hard on a tracker.')
    parser.add_argument('--workers', type=int, default=1, help='processes')
    parser.add_argument('--out', type=Path, required=True, help='folder of the scenes')
    args = parser.parse_args()
    for folder in render_stress_scenes(args.out, workers=args.workers):
        print(folder)


if __name__ == '__main__':
    main()
