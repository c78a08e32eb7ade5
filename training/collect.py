"""
Collect crops of the people a robot meets, to annotate and to train on.

    python -m training.collect BAG --out data/own_crops --every 1.0

SOURCE is what ``person-mtl track`` takes: a bag with detections, a MOT-layout folder, a video.
The pictures show people: keep them where the law and the people allow it.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
from tqdm import tqdm

from person_mtl_ros.commands.sources import (
    add_detector_argument,
    add_source_arguments,
    detected_frames,
    open_source,
)
from person_mtl_ros.crops import CropParams
from person_mtl_ros.evaluation.sequence import Frame
from training.datasets.person_view import PersonView


def collect(
    frames: Iterable[Frame], out: Path, crop: CropParams, every_sec: float, min_score: float
) -> int:
    """
    Write crops as ``frame_detection.jpg``.

    :param frames: with pictures and detections.
    :param out: folder.
    :param crop: size and surroundings of the crops.
    :param every_sec: least time between two frames that are used.
    :param min_score: of a detection.
    :returns: number of crops.
    """
    out.mkdir(parents=True, exist_ok=True)
    next_sec = float('-inf')
    count = 0
    for frame in tqdm(frames, desc='collect', unit='frame', disable=None):
        if frame.image_bgr is None or frame.stamp_sec < next_sec:
            continue
        next_sec = frame.stamp_sec + every_sec
        for detection in frame.detections:
            if detection.score < min_score:
                continue
            view = PersonView.around(detection.box_xyxy, crop)
            name = f'{frame.index:06d}_{detection.index:03d}.jpg'
            image_bgr = cv2.cvtColor(view.image(frame.image_bgr), cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(out / name), image_bgr, (cv2.IMWRITE_JPEG_QUALITY, 95))
            count += 1
    return count


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Collect crops of people.')
    parser.add_argument('source', help='bag, MOT-layout folder, video or folder of images')
    parser.add_argument('--out', type=Path, required=True, help='folder for the crops')
    parser.add_argument('--every', type=float, default=1.0, metavar='SEC', help='between frames')
    parser.add_argument('--min-score', type=float, default=0.5, help='of a detection')
    parser.add_argument('--height', type=int, default=256, help='of the crops; half as wide')
    add_detector_argument(parser)
    add_source_arguments(parser)
    args = parser.parse_args()
    crop = CropParams(args.height, args.height // 2)
    try:
        frames = detected_frames(open_source(args.source, args), args.detector)
        count = collect(frames, args.out, crop, args.every, args.min_score)
    except ValueError as error:  # of a source that cannot be read
        print(f'collect: {error}', file=sys.stderr)
        return 2
    print(f'{count} crops in {args.out}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
