"""
Rendered scenes that are hard on a tracker, always the same.

    python -m training.synthetic.stress_scenes --out DIR

makes a folder in the layout of the MOT challenges for each of :data:`STRESS_SCENES`. One that is
there already is kept, unless it was made with other settings. Of each kind there are several:
other people on other paths.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
SEED_STEPS = (0, 3000, 4000)  # not 1000 and 2000: parameters were chosen on those scenes
SETTINGS_FILE = 'settings.json'  # written last: a folder with it is complete


@dataclass(frozen=True)
class StressScene:
    """One scene and how people are detected in it."""

    kind: str  # what is hard
    number: int  # among those of its kind, from 1
    scene: SceneParams
    detector: DetectorParams = GOOD_DETECTOR

    @property
    def name(self) -> str:
        """Name of the folder."""
        return f'{self.kind}_{self.number}'


def _three(
    kind: str, seed: int, detector: DetectorParams = GOOD_DETECTOR, **changes: float
) -> list[StressScene]:
    standard = {'people': 8, 'seconds': 20.0, 'fps': 10, 'size_hw': SIZE_HW}
    settings: dict[str, Any] = {**standard, **changes}
    return [
        StressScene(kind, number, SceneParams(seed + step, **settings), detector)
        for number, step in enumerate(SEED_STEPS, start=1)
    ]


STRESS_SCENES = (
    *_three('crossing', 901),
    *_three('misses', 901, BAD_DETECTOR),
    *_three('long_occlusion', 902, has_kiosk=True),
    *_three('uniforms', 903, is_uniform=True),
    *_three('crowd', 904, people=40, seconds=10.0),
    *_three('shaking_camera', 905, is_moving=True, shake=0.02),
    *_three('fast', 906, fps=30, seconds=15.0),
)
KINDS = tuple(dict.fromkeys(stress.kind for stress in STRESS_SCENES))


def render_stress_scenes(
    folder: Path, scenes: Iterable[StressScene] = STRESS_SCENES, workers: int = 1
) -> list[Path]:
    """
    Render what is not there yet.

    :param folder: gets one folder per scene.
    :param scenes: those that differ only in how people are detected are rendered once.
    :param workers: processes.
    :returns: the folders of all scenes.
    """
    scenes = list(scenes)
    missing: dict[SceneParams, list[StressScene]] = {}
    for stress in scenes:
        if not _is_there(folder / stress.name, stress):
            missing.setdefault(stress.scene, []).append(stress)
    for params, same in missing.items():
        scene = Scene(params)
        frames = list(_progress(scene, workers))
        rows = np.stack([attribute_row(walker.identity) for walker in scene.walkers])
        for stress in same:
            detector = SimulatedDetector(
                stress.detector, np.random.default_rng([params.seed, 404])
            )
            write_mot_folder(folder / stress.name, frames, params.fps, rows, detector)
            (folder / stress.name / SETTINGS_FILE).write_text(_settings(stress))
    return [folder / stress.name for stress in scenes]


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
