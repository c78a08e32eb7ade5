"""Checkpoint + image + boxes -> what the network says about everybody."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from person_mtl_ros.backends import AUTO, ImageBackend, create_backend
from person_mtl_ros.checkpoint import model_info, open_model
from person_mtl_ros.crops import crop_boxes, crop_sharpness, cut_crops, points_to_image
from person_mtl_ros.structures import (
    Detection,
    Float32Array,
    ModelInfo,
    PartMask,
    PersonEstimate,
    UInt8Array,
)
from person_mtl_ros.tasks import TASKS


class Predictor:
    """
    Run the shared network on all people of an image at once.

    :param path: checkpoint (``.safetensors``) or exported network (``.onnx``).
    :param backend: key of ``backends.BACKENDS``; ``auto`` takes the fastest that works here.
    :param device: ``auto`` takes a GPU if there is one.
    :param heads: heads to compute; the others leave their fields empty.
    :param max_batch: people per run of the network; a larger crowd takes several, so that the
        memory of the device is bounded.
    :raises CheckpointError: when the file is not a checkpoint this version can run.
    :raises BackendError: when the backend, the device or a head is not there.
    """

    def __init__(
        self,
        path: Path | str,
        backend: str = AUTO,
        device: str = 'auto',
        heads: Sequence[str] = TASKS,
        max_batch: int = 64,
    ) -> None:
        model = open_model(path)
        self.info: ModelInfo = model_info(model)
        self.max_batch = max_batch
        self.last_timings: dict[str, float] = {}  # seconds per stage of the latest predict
        self._crop = model.info.crop
        self._beside = ThreadPoolExecutor(1, thread_name_prefix='sharpness')
        self._backend = create_backend(backend, model, device, heads)

    @property
    def device(self) -> str:
        """The device in use."""
        return self._backend.device

    @property
    def backend(self) -> str:
        """Key of ``backends.BACKENDS``."""
        return self._backend.name

    @property
    def precision(self) -> str:
        """Of the backend, see there."""
        return self._backend.precision

    @property
    def prefetches(self) -> bool:
        """Whether images can come to the device ahead of ``predict``."""
        return isinstance(self._backend, ImageBackend)

    def prefetch(self, image_bgr: UInt8Array) -> None:
        """
        Begin to bring the image of a later ``predict`` to the device, where that is possible.

        :param image_bgr: (h, w, 3) uint8; not to be changed before ``predict`` has it.
        :raises DeviceError: when the device fails.
        """
        if isinstance(self._backend, ImageBackend):
            self._backend.prefetch(image_bgr)

    def predict(
        self,
        image_bgr: UInt8Array,
        detections: Sequence[Detection],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[PersonEstimate]:
        """
        Describe every detected person.

        :param image_bgr: (h, w, 3) uint8.
        :param detections: people with boxes of positive area that touch the image.
        :param meanwhile: called once, just before the network runs, to begin work beside it in
            another thread.
        :returns: one estimate per detection, in the same order.
        :raises DeviceError: when the device fails.
        """
        self.last_timings = dict.fromkeys(('crop', 'forward', 'decode'), 0.0)
        if not detections:
            meanwhile()
            return []
        with self._timed('crop'):
            areas = crop_boxes([d.box_xyxy for d in detections], self._crop)
        if isinstance(self._backend, ImageBackend):
            meanwhile()
            with self._timed('forward'):
                outputs, sharpness = self._backend.infer_image(image_bgr, areas, self.max_batch)
            with self._timed('decode'):
                return self._estimates(detections, areas, sharpness, outputs)
        estimates: list[PersonEstimate] = []
        for begin in range(0, len(detections), self.max_batch):
            batch = slice(begin, begin + self.max_batch)
            with self._timed('crop'):
                crops = cut_crops(image_bgr, areas[batch], self._crop)
            if begin == 0:
                meanwhile()
            with self._timed('forward'):
                judging = self._beside.submit(crop_sharpness, crops)
                outputs = self._backend.infer(crops)
            with self._timed('decode'):
                sharpness = judging.result()
                estimates += self._estimates(detections[batch], areas[batch], sharpness, outputs)
        return estimates

    def _estimates(
        self,
        detections: Sequence[Detection],
        areas: Float32Array,
        sharpness: Float32Array,
        outputs: dict[str, NDArray[Any]],
    ) -> list[PersonEstimate]:
        fields: list[dict[str, Any]] = [
            {'detection': detection, 'sharpness': float(value)}
            for detection, value in zip(detections, sharpness, strict=True)
        ]
        if 'reid' in outputs:
            for person, embedding in zip(fields, outputs['reid'], strict=True):
                person['embedding'] = embedding
        if 'attributes' in outputs:
            slices = self.info.attribute_slices
            for person, row in zip(fields, outputs['attributes'], strict=True):
                person['attributes'] = {name: row[part] for name, part in slices.items()}
        if 'pose' in outputs:
            keypoints = outputs['pose'].copy()
            keypoints[..., :2] = points_to_image(keypoints[..., :2], areas, self._crop)
            for person, points in zip(fields, keypoints, strict=True):
                person['keypoints'] = points
        if 'parts' in outputs:
            for person, labels, area in zip(fields, outputs['parts'], areas, strict=True):
                person['part_mask'] = PartMask(labels, area)
        return [PersonEstimate(**person) for person in fields]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.last_timings[stage] += time.perf_counter() - begin
