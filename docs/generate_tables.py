"""Writes parameters.md and topics.md from the code; run by ``make docs``."""

import html
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from person_mtl_ros.nodes.detector_node import DetectorNode
from person_mtl_ros.nodes.managed_node import LifeCycleParams, ManagedNode
from person_mtl_ros.nodes.perception_node import PerceptionNode
from person_mtl_ros.nodes.tracker_node import TrackerNode
from person_mtl_ros.nodes.video_node import VideoNode
from person_mtl_ros.nodes.visualizer_node import VisualizerNode
from person_mtl_ros.parameters import parameter_specs

DOCS = Path(__file__).resolve().parent
NODES: tuple[type[ManagedNode], ...] = (
    PerceptionNode,
    TrackerNode,
    VisualizerNode,
    DetectorNode,
    VideoNode,
)
NAMESPACE = '/docs'  # what is not below it has an absolute name
DOMAIN_ID = 99  # nobody else should hear the nodes
# Every node has these; they say nothing about ours.
ROS_TOPICS = ('/rosout', '/parameter_events', 'transition_event')
ROS_SERVICES = ('rcl_interfaces', 'lifecycle_msgs', 'type_description_interfaces')

PARAMETERS_HEAD = """\
# Parameters

Written by `make docs` from the dataclasses of the code. A value outside its bounds and an unknown
name are refused. *Set* says whether a parameter can be changed while the node runs.

How to set one: a parameter file (`config/person_mtl.yaml` is an example), `ros2 param set`, an
argument of a launch file where there is one, or `-p` after `--ros-args`; with the name of the node
where several share a process: `-p tracker_node:publish_lost:=true`.
"""
TOPICS_HEAD = """\
# Topics, services and messages

Written by `make docs` from the running nodes. Names are relative, so that a namespace and
remapping apply. The QoS of images and detections follows the parameters named `..._reliability`;
shown is their default. With `image_transport: compressed` the topic `image` becomes
`image/compressed`. `odometry` and `camera_info` are read only with `use_odometry: true`. Every
node is a lifecycle node and has the services of one. In one process with `perception_node`, as
`bringup.launch.py` starts them, `tracker_node` is handed the people and does not subscribe to
`persons` and `model_info`.
"""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown table."""
    lines = [header, ['---'] * len(header), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines) + '\n'


def plain(text: str) -> str:
    """Text of a cell, shown as it is."""
    return html.escape(text, quote=False).replace('|', '\\|')


def code(text: object) -> str:
    """Text of a cell, shown as it is typed."""
    return f'`{text}`'.replace('|', '\\|')


def summary(documented: Any) -> str:
    """First sentence of a docstring."""
    return documented.__doc__.strip().splitlines()[0]


def yaml_text(default: Any) -> str:
    """Write a default value as in a parameter file."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return '[' + ', '.join(map(yaml_text, default)) + ']'
    return repr(default)


def parameter_rows(node: type[ManagedNode]) -> Iterable[tuple[str, ...]]:
    """One row for each parameter of a node."""
    for params_class in (*node.params_classes, LifeCycleParams):
        for name, (default, spec) in parameter_specs(params_class).items():
            yield (
                code(name),
                code(yaml_text(default)),
                spec.unit,
                code(spec.bounds) if spec.bounds else '',
                'at start' if spec.read_only else 'any time',
                plain(spec.doc),
            )


def parameters_markdown() -> str:
    """Text of parameters.md."""
    text = PARAMETERS_HEAD
    for node in NODES:
        text += f'\n## {node.node_name}\n\n'
        text += table(
            ('Name', 'Default', 'Unit', 'Bounds', 'Set', 'Meaning'), parameter_rows(node)
        )
    return text


def qos_text(qos: QoSProfile) -> str:
    """Say what of a profile matters to connect to it."""
    reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    latched = qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
    reliability = 'reliable' if reliable else 'best effort'
    return f'{reliability}, {"latched" if latched else f"depth {qos.depth}"}'


def type_name(interface: Any) -> str:
    """Such as ``sensor_msgs/Image``."""
    return f'{interface.__module__.split(".")[0]}/{interface.__name__}'


def relative_name(name: str, node: ManagedNode) -> str:
    """Shorten a resolved name to what the code says."""
    name = name.replace(node.get_fully_qualified_name(), '~', 1)
    return name.removeprefix(NAMESPACE + '/')


def node_rows(node: ManagedNode) -> Iterable[tuple[str, ...]]:
    """One row for each topic and service of an active node."""
    for role, endpoints in (('reads', node.subscriptions), ('publishes', node.publishers)):
        for endpoint in endpoints:
            name = relative_name(endpoint.topic_name, node)
            if not name.endswith(ROS_TOPICS):
                kind = type_name(endpoint.msg_type)
                yield role, code(name), code(kind), qos_text(endpoint.qos_profile)
    for service in node.services:
        kind = type_name(service.srv_type)
        if not kind.startswith(ROS_SERVICES):
            yield 'serves', code(relative_name(service.srv_name, node)), code(kind), ''


def write_sequence(folder: Path) -> None:
    """Make a MOT-layout folder with one picture and one detection, for video_node to play."""
    (folder / 'img1').mkdir()
    (folder / 'det').mkdir()
    cv2.imwrite(str(folder / 'img1' / '000001.png'), np.zeros((48, 64, 3), np.uint8))
    (folder / 'det' / 'det.txt').write_text('1,-1,1,1,8,16,1,-1,-1,-1\n')
    (folder / 'seqinfo.ini').write_text(
        '[Sequence]\nname=docs\nimDir=img1\nimExt=.png\n'
        'frameRate=10\nseqLength=1\nimWidth=64\nimHeight=48\n'
    )


def nodes_text() -> str:
    """Topics and services of all nodes, read from the nodes themselves."""
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=DOMAIN_ID)
    text = ''
    with tempfile.TemporaryDirectory() as folder:
        write_sequence(Path(folder))
        given = {
            PerceptionNode: [Parameter('use_odometry', value=True)],
            VideoNode: [Parameter('source', value=folder)],
        }
        for node_class in NODES:
            node = node_class(
                context=context,
                namespace=NAMESPACE,
                parameter_overrides=given.get(node_class, []),
            )
            if not node.start():
                raise RuntimeError(f'{node_class.node_name} does not start')
            text += f'\n## {node_class.node_name}\n\n{summary(node_class)}\n\n'
            text += table(('', 'Name', 'Type', 'QoS'), node_rows(node))
            node.stop()
            node.destroy_node()
    rclpy.shutdown(context=context)
    return text


def interface_text(path: Path) -> str:
    """Fields of a message or service; the comments of the file are their meaning."""
    text, rows = '', []
    for line in path.read_text().splitlines():
        definition, _, comment = (part.strip() for part in line.partition('#'))
        if definition == '---':
            rows.append(('**response**', '', ''))
        elif definition:
            kind, field = re.split(r'\s+', definition, maxsplit=1)
            rows.append((code(field), code(kind), plain(comment)))
        elif comment:
            text += plain(comment) + '\n'
    return f'\n### {path.stem}\n\n{text}\n' + table(('Field', 'Type', 'Meaning'), rows)


def topics_markdown() -> str:
    """Text of topics.md."""
    text = TOPICS_HEAD + nodes_text() + '\n## Messages and services of this package\n'
    for pattern in ('msg/*.msg', 'srv/*.srv'):
        for path in sorted(DOCS.parent.glob(pattern)):
            text += interface_text(path)
    return text


TABLES = {'parameters.md': parameters_markdown, 'topics.md': topics_markdown}


def main() -> None:
    """Write both files."""
    for name, markdown in TABLES.items():
        (DOCS / name).write_text(markdown())


if __name__ == '__main__':
    main()
