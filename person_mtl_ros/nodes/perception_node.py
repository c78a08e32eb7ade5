"""Node: camera image + person detections -> what the network says about everybody."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from person_mtl.msg import PersonArray, PersonModelInfo
from vision_msgs.msg import Detection2DArray

from person_mtl_ros.backends import AUTO, BACKENDS, DeviceError
from person_mtl_ros.camera_motion import CameraMotionParams
from person_mtl_ros.checkpoint import CheckpointError, default_checkpoint
from person_mtl_ros.detections import PERSON_CLASS_IDS, detections_from_message
from person_mtl_ros.images import ImageError, bgr_from_message
from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.image_input import ImageInputParams, subscribe_to_image
from person_mtl_ros.nodes.input_watch import InputWatch, InputWatchParams
from person_mtl_ros.nodes.log_forwarding import forwarded_to
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.message_faults import estimate_fault
from person_mtl_ros.nodes.odometry_input import subscribe_to_odometry
from person_mtl_ros.nodes.pairing import Pairing, PairingParams
from person_mtl_ros.nodes.person_messages import (
    MAX_PERSONS,
    model_info_to_message,
    persons_to_message,
)
from person_mtl_ros.nodes.qos import RELIABILITIES, latched_profile, qos_profile
from person_mtl_ros.nodes.running import run_node
from person_mtl_ros.odometry import OdometryParams
from person_mtl_ros.parameters import check_parameters, parameter
from person_mtl_ros.perception import Look, Perception
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.refresh import RefreshParams
from person_mtl_ros.structures import Detection, ModelInfo, PersonEstimate
from person_mtl_ros.tasks import TASKS


@dataclass(frozen=True)
class PerceptionParams:
    """Parameters of the perception node."""

    weights: str = parameter(
        '',
        'checkpoint (.safetensors) or exported network (.onnx); empty takes the shipped one',
        read_only=True,
    )
    backend: str = parameter(
        AUTO,
        'what runs the network; auto takes the fastest that works here',
        choices=(AUTO, *BACKENDS),
        read_only=True,
    )
    device: str = parameter(
        'auto', 'cpu, cuda, cuda:1 ...; auto takes a GPU if there is one', read_only=True
    )
    heads: tuple[str, ...] = parameter(
        TASKS, 'heads to compute; one that is left out leaves its field empty', read_only=True
    )
    person_class_ids: tuple[str, ...] = parameter(
        PERSON_CLASS_IDS, 'class ids that mean a person: names or numbers, as detectors differ'
    )
    detections_reliability: str = parameter(
        'best_effort', 'best_effort matches every detector', choices=RELIABILITIES, read_only=True
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        unknown = sorted(set(self.heads) - set(TASKS))
        if unknown:
            raise ValueError(
                f'heads has {", ".join(unknown)}; expected some of {", ".join(TASKS)}'
            )


class _Pair(NamedTuple):
    image: Any
    detections: Any
    arrived: float  # time.monotonic


# Message, whom it is about in the same order, outputs of the network.
Take = Callable[[PersonArray, list[PersonEstimate], ModelInfo], None]


class PerceptionNode(ManagedNode):
    """
    Crops everybody in an image, runs the shared network once, publishes the four answers.

    The callbacks only store; one worker thread owns the device and always takes the newest pair.
    """

    node_name = 'perception_node'
    params_classes = (
        PerceptionParams,
        InputWatchParams,
        RefreshParams,
        ImageInputParams,
        PairingParams,
        CameraMotionParams,
        OdometryParams,
    )

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__(**node_arguments)
        self._take: Take | None = None
        self._handing = threading.Lock()

    def configure(self) -> None:  # noqa: D102
        predictor = self._load()
        self._predictor: Predictor | None = predictor
        self._info = predictor.info
        self._persons = self.create_lifecycle_publisher(
            PersonArray, 'persons', qos_profile('reliable', 10)
        )
        self._model_info = self.create_lifecycle_publisher(
            PersonModelInfo, 'model_info', latched_profile()
        )
        self.diagnostics.set_value('model id', self._info.model_id)
        self.diagnostics.set_value('backend', f'{predictor.backend} in {predictor.precision}')
        self.diagnostics.set_value('device', predictor.device)
        self.get_logger().info(f'model {self._info.model_id}')

    def activate(self) -> None:  # noqa: D102
        params = self.params(PerceptionParams)
        if self._predictor is None:  # the device failed just before the last deactivation
            self._predictor = self._load()
        self._perception: Perception | None = None
        self._camera_since: Any = None  # stamp of the image before
        self._pairing = Pairing(
            self,
            self.params(PairingParams),
            self.diagnostics,
            partner='detections',
            on_pair=self._store,
        )
        self._input_watch = InputWatch(self, self._pairing)
        self.while_active.callback(
            lambda: self.diagnostics.count(
                'image dropped: deactivated', self._pairing.waiting_images
            )
        )
        self._odometry = subscribe_to_odometry(
            self,
            self.params(PairingParams).time_jump,
            silence_sec=lambda: self.params(InputWatchParams).silence_warning,
        )
        self._worker = self.start_worker('pairs', 'persons', self._process, self._failed)
        self._inputs = [
            subscribe_to_image(self, self._pairing.add_image, depth=1),
            self.subscribe(
                Detection2DArray,
                'detections',
                self._pairing.add_partner,
                qos_profile(params.detections_reliability, 10),
                reliability_parameter='detections_reliability',
            ),
        ]
        self.every(1.0, self._watch)
        self._model_info.publish(model_info_to_message(self._info))

    def hand_to(self, take: Take | None) -> None:
        """
        Hand everybody seen to a node of this process, before they are published.

        :param take: called in the thread of the network; None ends it, and waits for a call under
            way.
        """
        with self._handing:
            self._take = take

    def cleanup(self) -> None:  # noqa: D102
        self._predictor = self._perception = None

    def _load(self) -> Predictor:
        params = self.params(PerceptionParams)
        weights = params.weights or default_checkpoint()
        with forwarded_to(self.get_logger()):  # which backend it is, and why none that is faster
            predictor = Predictor(
                weights, backend=params.backend, device=params.device, heads=params.heads
            )
        # Nobody in a black image: so the first real one does not pay for the set-up.
        nobody = Detection(np.array([0, 0, 32, 64], np.float32))
        fault = estimate_fault(predictor.predict(np.zeros((64, 32, 3), np.uint8), [nobody])[0])
        if fault:
            raise CheckpointError(f'checkpoint {weights}: {fault}')
        return predictor

    def _store(self, image: Any, detections: Any) -> None:
        self._input_watch.note_pair()
        if self._worker.put(_Pair(image, detections, time.monotonic())):
            self.diagnostics.count('pairs dropped: replaced by a newer one')

    def _process(self, pair: _Pair) -> None:
        begin = time.monotonic()
        self.diagnostics.latency('queue', begin - pair.arrived)
        image_bgr = bgr_from_message(pair.image)
        detections = self._usable(pair.detections, image_bgr.shape)
        self.diagnostics.latency('convert', time.monotonic() - begin)
        perception = self._ready_perception()
        header = pair.image.header
        look = perception.look(stamp_ns(header) / 1e9, image_bgr, detections)
        for stage, seconds in perception.last_timings.items():
            self.diagnostics.latency(stage, seconds)
        self._publish(header, (image_bgr.shape[1], image_bgr.shape[0]), look)
        seconds = time.monotonic() - begin
        self.diagnostics.latency('total', seconds)
        perception.took(seconds)
        self.tell_age(header)

    def _publish(self, header: Any, size: tuple[int, int], look: Look) -> None:
        begin = time.monotonic()
        persons, motion = look.persons, look.camera_motion
        since, self._camera_since = self._camera_since, header.stamp
        message = persons_to_message(header, size, persons, self._info, motion, since)
        written = handed = time.monotonic()
        self.diagnostics.latency('write', written - begin)
        with self._handing:
            if self._take is not None:
                self._take(message, persons, self._info)
                handed = time.monotonic()
                self.diagnostics.latency('tracker', handed - written)
        self._persons.publish(message)
        self.diagnostics.latency('publish', time.monotonic() - handed)
        self.diagnostics.count('images processed')
        self.diagnostics.count('persons published', len(persons))
        self.diagnostics.count('persons evaluated', sum(p.is_evaluated for p in persons))
        if self.params(CameraMotionParams).camera_motion:
            self.diagnostics.count('camera motion unknown', int(motion is None))
        if look.odometry:
            self.diagnostics.count(f'odometry {look.odometry}')

    def _ready_perception(self) -> Perception:
        """Make it anew for the first image and after a failure of the device."""
        refresh, camera = self.params(RefreshParams), self.params(CameraMotionParams)
        if self._perception is None:
            if self._predictor is None:
                self._predictor = self._load()
            self._perception = Perception(self._predictor, refresh, camera, self._odometry)
        self._perception.use(refresh, camera)
        return self._perception

    def _usable(self, message: Any, shape: tuple[int, ...]) -> list[Detection]:
        params = self.params(PerceptionParams)
        detections, faults = detections_from_message(
            message, params.person_class_ids, width=shape[1], height=shape[0]
        )
        for fault in faults:
            self.diagnostics.count(f'detections refused: {fault}')
        self._input_watch.note_detections(message, len(detections), faults)
        if len(detections) > MAX_PERSONS:
            self.diagnostics.count(
                f'detections refused: more than {MAX_PERSONS}', len(detections) - MAX_PERSONS
            )
            best = sorted(detections, key=lambda d: -d.score)[:MAX_PERSONS]
            detections = sorted(best, key=lambda d: d.index)
        return detections

    def _failed(self, error: Exception) -> str:
        if isinstance(error, DeviceError):
            self._predictor = self._perception = None  # loaded anew for the next image
            return 'device failure'
        return 'image cannot be read' if isinstance(error, ImageError) else 'error'

    def _watch(self) -> None:
        self.diagnostics.set_value('images waiting for detections', self._pairing.waiting_images)
        person_class_ids = self.params(PerceptionParams).person_class_ids
        self._input_watch.check(self._inputs, person_class_ids)


def main() -> None:
    """Entry point of ``ros2 run person_mtl perception_node``."""
    sys.exit(run_node(PerceptionNode))


if __name__ == '__main__':
    main()
