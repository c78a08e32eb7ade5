"""Writes a scene in the folder layout of the MOT challenges."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.labels import MARKET_ATTRIBUTES, MPII_KEYPOINTS
from training.synthetic.detections import SimulatedDetector

_MIN_VISIBLE = 0.05  # people of whom less is seen get the use flag 0: not counted

_SEQINFO = """[Sequence]
name={name}
imDir=img1
frameRate={fps}
seqLength={length}
imWidth={width}
imHeight={height}
imExt=.jpg
"""


@dataclass(frozen=True)
class SceneFrame:
    """One picture and its P people, those outside of it left out."""

    image_rgb: NDArray[np.uint8]  # (H, W, 3)
    ids: NDArray[np.int32]  # (P,) from 1
    boxes_xyxy: NDArray[np.float32]  # (P, 4) whole bodies, cut at the border of the image
    visible: NDArray[np.float32]  # (P,) share of the body that is seen
    keypoints: NDArray[np.float32]  # (P, 16, 3) see keypoints_in_view


def write_mot_folder(
    folder: Path,
    frames: Iterable[SceneFrame],
    fps: int,
    attributes: NDArray[np.uint8],
    detector: SimulatedDetector,
) -> None:
    """
    Write video, ground truth and detections.

    :param folder: written to; its name is the name of the sequence and of the video.
    :param frames: of the scene.
    :param fps: pictures per second.
    :param attributes: (people, 12) classes of MARKET_ATTRIBUTES, row 0 is id 1.
    :param detector: makes ``det/det.txt`` from the exact boxes.
    """
    for name in ('gt', 'det'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    truth, found = [], []
    rows: list[tuple[int, int]] = []
    keypoints = [np.zeros((0, 16, 3), np.float32)]
    video: cv2.VideoWriter | None = None
    height, width, length = 0, 0, 0
    for number, frame in enumerate(frames, start=1):
        if video is None:
            height, width = frame.image_rgb.shape[:2]
            codec = cv2.VideoWriter.fourcc(*'mp4v')
            path = str(folder / f'{folder.name}.mp4')
            video = cv2.VideoWriter(path, codec, fps, (width, height))
        video.write(cv2.cvtColor(frame.image_rgb, cv2.COLOR_RGB2BGR))
        length = number
        for person, box, share in zip(frame.ids, frame.boxes_xyxy, frame.visible, strict=True):
            is_counted = int(share >= _MIN_VISIBLE)
            truth.append(f'{number},{person},{_ltwh(box)},{is_counted},1,{share:.3f}')
        detections = detector.detect(frame.ids, frame.boxes_xyxy, frame.visible, (height, width))
        for box, score in zip(detections.boxes_xyxy, detections.scores, strict=True):
            found.append(f'{number},-1,{_ltwh(box)},{score:.4f},-1,-1,-1')
        rows += [(number, int(person)) for person in frame.ids]
        keypoints.append(frame.keypoints)
    if video is not None:
        video.release()
    (folder / 'gt' / 'gt.txt').write_text('\n'.join(truth) + '\n')
    (folder / 'det' / 'det.txt').write_text('\n'.join(found) + '\n')
    info = {'name': folder.name, 'fps': fps, 'length': length, 'width': width, 'height': height}
    (folder / 'seqinfo.ini').write_text(_SEQINFO.format(**info))
    np.savez_compressed(
        folder / 'people.npz',
        frame_and_id=np.array(rows, np.int32).reshape(-1, 2),
        keypoints=np.concatenate(keypoints),
        keypoint_names=np.array(MPII_KEYPOINTS),
        attributes=attributes,
        attribute_names=np.array([spec.name for spec in MARKET_ATTRIBUTES]),
    )


def _ltwh(box: NDArray[np.float32]) -> str:
    left, top, right, bottom = box
    return f'{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}'
