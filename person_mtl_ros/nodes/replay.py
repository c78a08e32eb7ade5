"""
Plays a recording through the real nodes and writes down what becomes of every frame.

Perception and tracker run in one process or, not ``composed``, in two, on a ROS domain of their
own.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tqdm import tqdm

from person_mtl_ros.evaluation.latency import Latency
from person_mtl_ros.evaluation.mot_files import MotTable, rows_from_tracks, table_from_rows
from person_mtl_ros.evaluation.sequence import Frame
from person_mtl_ros.nodes.fastdds_profile import use_fastdds_profile
from person_mtl_ros.nodes.own_domain import own_domain
from person_mtl_ros.nodes.person_messages import tracks_from_message
from person_mtl_ros.nodes.player import NODES, Player
from person_mtl_ros.pipeline import reported
from person_mtl_ros.structures import ModelInfo, TrackedPerson

START_TIMEOUT_SEC = 120.0  # loading torch on a busy machine
RESULT_TIMEOUT_SEC = 10.0  # of the slowest frame
LAST_RESULT_TIMEOUT_SEC = 1.0  # at the rate of the recording, where the last frame may be dropped
# How the counters of the nodes begin that stand for a lost frame.
LOSSES = ('image refused', 'image dropped', 'pairs dropped', 'messages dropped')
# Messages that carry no frame: an image without its detections is counted as one that waits.
NOT_A_FRAME = ('messages dropped: error in detections', 'messages dropped: error in model_info')


class ReplayError(ValueError):
    """Nodes that did not come up, or ended before the recording did."""


@dataclass
class ReplayResult:
    """What came out of the nodes."""

    tracks: dict[int, list[TrackedPerson]] = field(default_factory=dict)  # by frame index
    published: int = 0
    drops: dict[str, int] = field(default_factory=dict)  # reason -> frames
    latency: Latency = field(default_factory=Latency)
    frame_latency_sec: dict[int, float] = field(default_factory=dict)  # image to tracks, by index
    node_latency: dict[str, dict[str, str]] = field(default_factory=dict)  # node -> stage -> ms
    info: ModelInfo = field(default_factory=lambda: ModelInfo(''))
    duration_sec: float = 0.0

    @property
    def unaccounted(self) -> int:
        """Frames that were neither processed nor dropped for a known reason."""
        return self.published - len(self.tracks) - sum(self.drops.values())

    def table(self) -> MotTable:
        """People that count as output in evaluation, one row per box."""
        return table_from_rows(
            row
            for index, tracks in self.tracks.items()
            for row in rows_from_tracks(index, reported(tracks))
        )


@contextmanager
def _node_processes(
    domain_id: int,
    executables: Sequence[str],
    params_file: Path | None,
    parameters: Mapping[str, Mapping[str, Any]],
) -> Iterator[dict[str, 'subprocess.Popen[bytes]']]:
    """Run executables with :data:`NODES`; ``parameters`` are values by node and name."""
    environment = os.environ | {'ROS_DOMAIN_ID': str(domain_id)}
    arguments = ['--log-level', 'warn']
    if params_file is not None:
        arguments += ['--params-file', str(params_file)]
    for node, values in parameters.items():
        for name, value in values.items():
            # As JSON, since ROS reads values as YAML: a quoted '0' is a text, a bare 0 a number.
            arguments += ['-p', f'{node}:{name}:={json.dumps(value, ensure_ascii=False)}']
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in executables:
            module = f'person_mtl_ros.nodes.{name}'
            command = [sys.executable, '-m', module, '--ros-args', *arguments]
            processes[name] = subprocess.Popen(command, env=environment)
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            try:
                process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                process.kill()


def replay(
    frames: Iterator[Frame],
    length: int,
    *,
    lockstep: bool = False,
    rate: float = 1.0,
    composed: bool = True,
    params_file: Path | None = None,
    parameters: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> ReplayResult:
    """
    Play frames through perception and tracker node.

    Stamps are those of the frames, so the tracker sees the same times as offline; they also say
    when a frame is due.

    :param frames: with images.
    :param length: their number, for the progress bar.
    :param lockstep: wait for the result of a frame before the next one: nothing is dropped.
    :param rate: factor on the speed of the recording otherwise.
    :param composed: both nodes in one process.
    :param params_file: ROS parameter file for both nodes.
    :param parameters: node -> name -> value, on top of the file.
    :raises ReplayError: when the nodes do not come up, or one ends while frames are played.
    """
    use_fastdds_profile()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    with (
        own_domain() as domain_id,
        _node_processes(
            domain_id, ('composed',) if composed else NODES, params_file, parameters
        ) as processes,
    ):

        def ended() -> list[str]:
            return [name for name, process in processes.items() if process.poll() is not None]

        player = Player(domain_id, composed)
        try:
            player.spin_until(lambda: player.is_ready or ended(), START_TIMEOUT_SEC)
            if not player.is_ready:
                what = f'{ended()[0]} ended' if ended() else f'not up after {START_TIMEOUT_SEC} s'
                raise ReplayError(f'the nodes did not come up: {what}; what it printed says why')
            return _play(player, frames, length, rate, lockstep, ended)
        finally:
            player.close()


def _play(
    player: Player,
    frames: Iterator[Frame],
    length: int,
    rate: float,
    lockstep: bool,
    ended: Callable[[], list[str]],
) -> ReplayResult:
    result = ReplayResult(
        latency=player.latency, frame_latency_sec=player.frame_latency_sec, info=player.info
    )
    begin = time.monotonic()
    first_sec = None
    for frame in tqdm(frames, total=length, desc='through the nodes', unit='frame', disable=None):
        if first_sec is None:
            first_sec = frame.stamp_sec
        if not lockstep:
            due = begin + (frame.stamp_sec - first_sec) / rate
            player.spin_until(ended, due - time.monotonic())
        player.publish(frame)
        result.published += 1
        if lockstep:
            player.spin_until(
                lambda index=frame.index: index in player.messages or ended(), RESULT_TIMEOUT_SEC
            )
        _check_alive(ended, result.published)
    player.spin_until(
        lambda: len(player.messages) == result.published or ended(), LAST_RESULT_TIMEOUT_SEC
    )
    if player.messages:
        result.duration_sec = player.last_result - begin
    # Two more rounds of diagnostics of each node, so that the counters are final.
    last = player.status_count + 2 * len(NODES)
    player.spin_until(lambda: player.status_count >= last or ended(), RESULT_TIMEOUT_SEC)
    _check_alive(ended, result.published)
    _take_answers(player, result)
    return result


def _take_answers(player: Player, result: ReplayResult) -> None:
    result.tracks = {
        index: tracks_from_message(message, result.info)
        for index, message in player.messages.items()
    }
    result.drops = _drops(player.status, result.published)
    for node, values in player.status.items():
        result.node_latency[node] = {
            key: value
            for key, value in values.items()
            # Not what is measured from stamps: those are of the time of the recording.
            if key.endswith('[ms]') and not key.startswith('image stamp')
        }


def _check_alive(ended: Callable[[], list[str]], published: int) -> None:
    if ended():
        raise ReplayError(f'{ended()[0]} ended at frame {published}; what it printed says why')


def _drops(status: dict[str, dict[str, str]], published: int) -> dict[str, int]:
    """Reason -> frames lost, from the counters of the nodes."""
    perception, tracker = status['perception_node'], status['tracker_node']

    def number(values: dict[str, str], key: str) -> int:
        return int(values.get(key, '0'))

    drops = {
        'image lost between publisher and perception_node': published
        - number(perception, 'image received'),
        'no detections arrived for the image': number(perception, 'images waiting for detections'),
        'persons lost between perception_node and tracker_node': number(
            perception, 'images processed'
        )
        - number(tracker, 'messages received'),
    }
    for values in (perception, tracker):
        for key, value in values.items():
            if key.startswith(LOSSES) and key not in NOT_A_FRAME:
                drops[key] = int(value)
    return {reason: count for reason, count in drops.items() if count}
