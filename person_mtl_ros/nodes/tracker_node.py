"""Node: what the network says about everybody -> people with an id that stays."""

import math
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from person_mtl.msg import PersonArray, TrackedPersonArray
from person_mtl.srv import ForgetPerson
from std_srvs.srv import Trigger

from person_mtl_ros.gallery_file import GalleryFile, GalleryFileError
from person_mtl_ros.nodes.conversions import stamp_ns, time_ns
from person_mtl_ros.nodes.managed_node import ManagedNode
from person_mtl_ros.nodes.message_faults import camera_motion_fault
from person_mtl_ros.nodes.model_info_input import subscribe_to_model_info
from person_mtl_ros.nodes.person_messages import (
    MAX_TRACKS,
    ReadPersons,
    persons_from_message,
    tracks_to_message,
)
from person_mtl_ros.nodes.qos import qos_profile
from person_mtl_ros.nodes.running import run_node
from person_mtl_ros.nodes.score_watch import ScoreWatch
from person_mtl_ros.parameters import parameter
from person_mtl_ros.structures import ModelInfo, PersonEstimate, TrackedPerson, TrackState
from person_mtl_ros.tracking.reid_tracker import ReidTracker, ReidTrackerParams

if TYPE_CHECKING:  # a tracker alone needs no network
    from person_mtl_ros.nodes.perception_node import PerceptionNode

SAVE_SEC = 30.0  # what a crash may cost of gallery_file; each write is some MB at most


@dataclass(frozen=True)
class TrackerNodeParams:
    """Parameters of the tracker node beside those of the tracker itself."""

    publish_lost: bool = parameter(
        False, 'whether people who are out of view stay in the message, state LOST'
    )
    gallery_file: str = parameter(
        '',
        'file in a folder that exists, keeps embeddings of people (biometric data!) between runs, '
        'of those last seen within retention_sec, the time the robot is off included; empty '
        'keeps none',
        read_only=True,
    )


class TrackerNode(ManagedNode):
    """
    Steps the tracker on every message, empty ones too.

    :param source: a node of the same process to take people from, without DDS between the two,
        where it publishes the topic this node reads.
    """

    node_name = 'tracker_node'
    params_classes = (TrackerNodeParams, ReidTrackerParams)

    def __init__(self, source: 'PerceptionNode | None' = None, **node_arguments: Any) -> None:
        super().__init__(**node_arguments)
        self._source = source
        # For the life of the node: it alone knows which ids are used up.
        self._tracker = ReidTracker()
        self._lock = threading.Lock()  # of the tracker: the source calls in a thread of its own

    def configure(self) -> None:  # noqa: D102
        self._info = self._described = ModelInfo('')
        self._tracker.params = self.params(ReidTrackerParams)
        self._tracker.same_person_threshold = self._info.same_person_threshold
        self._tracker.reset()
        self._newest_sec = -math.inf
        self._scores = ScoreWatch()
        path = self.params(TrackerNodeParams).gallery_file
        self._gallery_file = GalleryFile(path) if path else None
        self._tracked = self.create_lifecycle_publisher(
            TrackedPersonArray, 'tracked_persons', qos_profile('reliable', 10)
        )

    def activate(self) -> None:  # noqa: D102
        self.while_active.callback(self._save_gallery)  # undone last, when nothing comes any more
        self.every(SAVE_SEC, self._save_gallery)
        self._subscribe_to_persons()
        for service_type, name, answer in (
            (Trigger, '~/reset', self._reset),
            (ForgetPerson, '~/forget', self._forget),
        ):
            service = self.create_service(service_type, name, answer)
            self.while_active.callback(self.destroy_service, service)

    def _subscribe_to_persons(self) -> None:
        topic = 'persons'
        source = self._source
        if source is None or source.resolve_topic_name(topic) != self.resolve_topic_name(topic):
            subscribe_to_model_info(self, self._describe)
            self.subscribe(PersonArray, topic, self._read, qos_profile('reliable', 10))
            return
        source.hand_to(self.guarded(topic, self._take))
        self.while_active.callback(source.hand_to, None)

    def parameters_changed(self) -> None:  # noqa: D102
        with self._lock:
            self._tracker.params = self.params(ReidTrackerParams)
            self._scores = ScoreWatch()

    def _describe(self, info: ModelInfo) -> None:
        # Of another network only a plan until its people come: anybody can publish one.
        with self._lock:
            self._described = info
            if not self._info.model_id:
                self._use_info(info)

    def _use_info(self, info: ModelInfo) -> None:
        if info.model_id == self._info.model_id:
            return
        if self._info.model_id:
            self.get_logger().warning(
                'the network changed: everybody starts with a new id', throttle_duration_sec=5.0
            )
            self._forget_everybody()
        self._info = info
        self._tracker.same_person_threshold = info.same_person_threshold
        self.diagnostics.set_value('model id', info.model_id)
        self._load_gallery()

    def _load_gallery(self) -> None:
        if self._gallery_file is None:
            return
        try:
            people = self._gallery_file.read(self._info.model_id)
        except (GalleryFileError, OSError) as error:
            self.warn('gallery_file', f'nobody remembered and nothing will be saved: {error}')
            return
        self.warn('gallery_file', '')
        self._tracker.remember(people)
        self.get_logger().info(
            f'{len(people)} people remembered from {self._gallery_file.path}',
            throttle_duration_sec=5.0,
        )

    def _save_gallery(self) -> None:
        if self._gallery_file is None:
            return
        with self._lock:
            model_id, now_sec = self._info.model_id, self._newest_sec
            people = self._tracker.remembered()
        text = ''
        try:  # tracking goes on meanwhile
            self._gallery_file.write(people, model_id, now_sec)
        except OSError as error:
            text = f'people not saved: {error}'
        self.warn('people', text)

    def _read(self, message: Any) -> None:
        with self._lock:
            self.diagnostics.tick('messages received')
            if message.model_id == self._described.model_id:
                self._use_info(self._described)
            self._step(message)

    def _take(self, message: Any, persons: list[PersonEstimate], info: ModelInfo) -> None:
        with self._lock:
            self.diagnostics.tick('messages received')
            self._use_info(info)
            self._step(message, persons)

    def _step(self, message: Any, estimates: list[PersonEstimate] | None = None) -> None:
        begin = time.monotonic()
        stamp_sec = stamp_ns(message.header) / 1e9
        refused = self._refusal(message.model_id, stamp_sec)
        self.diagnostics.warn('input', f'persons refused: {refused}' if refused else '')
        if refused:
            self.diagnostics.count(f'messages dropped: {refused}')
            return
        seen = self._seen(message, stamp_sec, estimates)
        read = time.monotonic()
        tracks = self._track(message, stamp_sec, seen)
        tracked = time.monotonic()
        self._publish(message, tracks, seen)
        end = time.monotonic()
        self.diagnostics.latency('read', read - begin)
        self.diagnostics.latency('track', tracked - read)
        self.diagnostics.latency('publish', end - tracked)
        self.diagnostics.latency('total', end - begin)
        self.tell_age(message.header)

    def _seen(
        self, message: Any, stamp_sec: float, estimates: list[PersonEstimate] | None
    ) -> ReadPersons:
        seen = persons_from_message(message, self._info, estimates)
        for fault in seen.faults:
            self.diagnostics.count(f'persons refused: {fault}')
        params = self.params(ReidTrackerParams)
        scores = [person.detection.score for person in seen.persons]
        ignored = sum(score < params.low_score for score in scores)
        self.diagnostics.count('persons ignored: score below low_score', ignored)
        self.warn('scores', self._scores.warning(stamp_sec, scores, params.high_score))
        return seen

    def _track(self, message: Any, stamp_sec: float, seen: ReadPersons) -> list[TrackedPerson]:
        tracks = self._tracker.step(
            stamp_sec,
            seen.persons,
            image_size=(message.image_width, message.image_height),
            camera_motion=self._camera_motion(message),
        )
        if self._tracker.was_reset:
            self.diagnostics.count('time jumps back')
            self.get_logger().warning(
                f'time went back from {self._newest_sec:.3f} s to {stamp_sec:.3f} s: everybody '
                f'starts with a new id',
                throttle_duration_sec=5.0,
            )
            self._load_gallery()  # or the next time it is saved, those in the file are gone
        self._newest_sec = stamp_sec
        return tracks

    def _camera_motion(self, message: Any) -> Any:
        motion = message.camera_motion
        since_sec = time_ns(message.camera_motion_since) / 1e9
        fault = camera_motion_fault(motion, since_sec, self._newest_sec)
        if fault:
            self.diagnostics.count(f'camera motion refused: {fault}')
        return None if fault or not motion else motion

    def _publish(self, message: Any, tracks: list[TrackedPerson], seen: ReadPersons) -> None:
        if not self.params(TrackerNodeParams).publish_lost:
            tracks = [track for track in tracks if track.state != TrackState.LOST]
        self.diagnostics.count('tracks not published: too many', max(0, len(tracks) - MAX_TRACKS))
        self._tracked.publish(tracks_to_message(message, tracks, self._info, seen))

    def _refusal(self, model_id: str, stamp_sec: float) -> str:
        if model_id != self._info.model_id:
            return 'model_info of another network' if self._info.model_id else 'no model_info yet'
        if stamp_sec <= 0:
            return 'zero stamp'
        # The tracker would answer with its last result, which has been published already.
        late_sec = self._newest_sec - stamp_sec
        if 0 <= late_sec <= self.params(ReidTrackerParams).stamp_tolerance_sec:
            return 'late' if late_sec else 'repeated stamp'
        return ''

    def _forget_everybody(self) -> None:
        self._tracker.reset()
        self._newest_sec = -math.inf

    def _reset(self, _: Any, response: Any) -> Any:
        try:
            with self._lock:
                self._forget_everybody()
                if self._gallery_file is not None:
                    self._gallery_file.erase(self._info.model_id)
                    self.warn('gallery_file', '')
        except (GalleryFileError, OSError) as error:
            response.message = f'everybody forgotten, but not what is in the file: {error}'
            return response
        response.success = True
        response.message = 'everybody forgotten; ids go on from where they were'
        return response

    def _forget(self, request: Any, response: Any) -> Any:
        if request.track_id == 0:
            return self._reset(request, response)
        try:
            with self._lock:
                response.success = self._tracker.forget(request.track_id)
                response.success |= self._forget_in_file(request.track_id)
        except (GalleryFileError, OSError) as error:
            response.success = False
            response.message = f'person {request.track_id} may still be in the file: {error}'
            return response
        known = 'forgotten' if response.success else 'not known'
        response.message = f'person {request.track_id} {known}'
        return response

    def _forget_in_file(self, track_id: int) -> bool:
        if self._gallery_file is None:
            return False
        people = self._tracker.remembered()
        self._gallery_file.write(people, self._info.model_id, self._newest_sec)
        return self._gallery_file.forget(track_id)


def main() -> None:
    """Entry point of ``ros2 run person_mtl tracker_node``."""
    sys.exit(run_node(TrackerNode))


if __name__ == '__main__':
    main()
