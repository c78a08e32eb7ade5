"""
How rendered data sets differ, in numbers.

    python -m training.synthetic.domain_gap SURVEILLANCE SPORTS CLOTHES

prints a table with the median of each statistic over the crops of each folder.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from person_mtl_ros.tasks import TASKS
from training.datasets.rendered import RenderedDataset
from training.datasets.sample import Sample
from training.labels import MPII_KEYPOINTS
from training.synthetic.shards import read_index

_JOINT = {name: index for index, name in enumerate(MPII_KEYPOINTS)}


def _labels(sample: Sample) -> tuple[NDArray, NDArray]:
    if sample.keypoints is None or sample.parts is None:
        raise ValueError('a sample without labels of pose and parts')
    return sample.keypoints, sample.parts


def _around_person(sample: Sample) -> NDArray[np.float64]:
    """Pixels of the box around the visible person."""
    rows, columns = np.nonzero(_labels(sample)[1])
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    return sample.image_rgb[box].astype(float)


def brightness(sample: Sample) -> float:
    """Mean grey value of the background, 0 to 255."""
    _, parts = _labels(sample)
    return float(sample.image_rgb[parts == 0].mean())


def saturation(sample: Sample) -> float:
    """Mean difference between the largest and the smallest channel, grey values."""
    pixels = _around_person(sample)
    return float((pixels.max(axis=2) - pixels.min(axis=2)).mean())


def contrast(sample: Sample) -> float:
    """Spread of the grey values (standard deviation)."""
    return float(_around_person(sample).mean(axis=2).std())


def sharpness(sample: Sample) -> float:
    """Mean difference of neighbouring pixels over the contrast, percent."""
    gray = _around_person(sample).mean(axis=2)
    return float(100 * np.abs(np.diff(gray, axis=0)).mean() / max(gray.std(), 1.0))


def trunk_tilt(sample: Sample) -> float:
    """Angle between the trunk and the upright in the picture, degrees."""
    joints, _ = _labels(sample)
    x, y = joints[_JOINT['thorax'], :2] - joints[_JOINT['pelvis'], :2]
    return float(np.degrees(np.abs(np.arctan2(x, -y))))


def wrist_height(sample: Sample) -> float:
    """Height of the higher wrist over the pelvis, heads."""
    joints, _ = _labels(sample)
    wrists = joints[[_JOINT['left_wrist'], _JOINT['right_wrist']], 1]
    return float((joints[_JOINT['pelvis'], 1] - wrists.min()) / sample.head_size)


def foreshortening(sample: Sample) -> float:
    """Length of the body in the picture, crown to lower ankle, heads: small from high up."""
    joints, _ = _labels(sample)
    ankles = joints[[_JOINT['left_ankle'], _JOINT['right_ankle']], 1]
    return float((ankles.max() - joints[_JOINT['head_top'], 1]) / sample.head_size)


def joints_in_picture(sample: Sample) -> float:
    """Share of the joints that are in the picture, percent."""
    return float(100 * (_labels(sample)[0][:, 2] >= 0).mean())


STATISTICS: Mapping[str, Callable[[Sample], float]] = {
    'brightness of the background (grey values)': brightness,
    'saturation (grey values)': saturation,
    'contrast (grey values)': contrast,
    'sharpness (% of the contrast per pixel)': sharpness,
    'tilt of the trunk (degrees)': trunk_tilt,
    'higher wrist above the pelvis (heads)': wrist_height,
    'height in the picture (heads)': foreshortening,
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Compare rendered data sets.')
    parser.add_argument('folders', type=Path, nargs='+', help='of training.synthetic.crops')
    folders: list[Path] = parser.parse_args().folders
    columns = {}
    for folder in folders:
        data = RenderedDataset(folder, labels=frozenset(TASKS))
        samples = [data[index] for index in range(len(data))]
        columns[read_index(folder).domain] = {
            name: np.median([statistic(sample) for sample in samples])
            for name, statistic in STATISTICS.items()
        } | {'joints in the picture (%, mean)': np.mean([*map(joints_in_picture, samples)])}
    print(f'| median | {" | ".join(columns)} |')
    print(f'| --- |{" --- |" * len(columns)}')
    for name in next(iter(columns.values())):
        cells = ' | '.join(f'{column[name]:.1f}' for column in columns.values())
        print(f'| {name} | {cells} |')


if __name__ == '__main__':
    main()
