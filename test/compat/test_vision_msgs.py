"""The stand-in must look on the wire as ``vision_msgs`` does; run against either."""

import pytest

pytest.importorskip('vision_msgs', reason='needs ROS 2 or the stand-ins')

from rclpy.serialization import deserialize_message, serialize_message
from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
)

# As in vision_msgs 4, of Humble and later.
FIELDS = {
    Point2D: {'x': 'double', 'y': 'double'},
    Pose2D: {'position': 'vision_msgs/Point2D', 'theta': 'double'},
    BoundingBox2D: {'center': 'vision_msgs/Pose2D', 'size_x': 'double', 'size_y': 'double'},
    ObjectHypothesis: {'class_id': 'string', 'score': 'double'},
    ObjectHypothesisWithPose: {
        'hypothesis': 'vision_msgs/ObjectHypothesis',
        'pose': 'geometry_msgs/PoseWithCovariance',
    },
    Detection2D: {
        'header': 'std_msgs/Header',
        'results': 'sequence<vision_msgs/ObjectHypothesisWithPose>',
        'bbox': 'vision_msgs/BoundingBox2D',
        'id': 'string',
    },
    Detection2DArray: {
        'header': 'std_msgs/Header',
        'detections': 'sequence<vision_msgs/Detection2D>',
    },
}


@pytest.mark.parametrize('message_type', FIELDS, ids=lambda cls: cls.__name__)
def test_fields_names_types_and_order_are_those_of_the_real_package(message_type):
    fields = message_type.get_fields_and_field_types()
    assert list(fields.items()) == list(FIELDS[message_type].items())


def test_a_detection_comes_back_from_the_wire():
    result = ObjectHypothesisWithPose()
    result.hypothesis = ObjectHypothesis(class_id='person', score=0.9)
    box = BoundingBox2D(center=Pose2D(position=Point2D(x=1.5, y=2.5), theta=0.1), size_x=3.0)
    sent = Detection2DArray(detections=[Detection2D(results=[result], bbox=box, id='é')])
    assert deserialize_message(serialize_message(sent), Detection2DArray) == sent
