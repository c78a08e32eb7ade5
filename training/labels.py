"""Label sets of the public datasets, in the order of the network's outputs."""

from dataclasses import dataclass

from person_mtl_ros.structures import AttributeSpec


@dataclass(frozen=True)
class KeypointSet:
    """Joints of a skeleton."""

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    flip: tuple[int, ...]  # joint that takes the place of each in a mirror


@dataclass(frozen=True)
class PartSet:
    """Classes of a part segmentation."""

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]  # RGB
    flip: tuple[int, ...]  # class that takes the place of each in a mirror
    of_lip: tuple[int, ...]  # class of each LIP class


# MPII Human Pose, 16 joints.
MPII_KEYPOINTS = (
    'right_ankle',
    'right_knee',
    'right_hip',
    'left_hip',
    'left_knee',
    'left_ankle',
    'pelvis',
    'thorax',
    'upper_neck',
    'head_top',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
)
MPII_EDGES = (
    (0, 1),
    (1, 2),
    (2, 6),
    (6, 3),
    (3, 4),
    (4, 5),
    (6, 7),
    (7, 8),
    (8, 9),
    (10, 11),
    (11, 12),
    (12, 7),
    (7, 13),
    (13, 14),
    (14, 15),
)
MPII_FLIP = (5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10)

# COCO, 17 joints.
COCO_KEYPOINTS = (
    'nose',
    'left_eye',
    'right_eye',
    'left_ear',
    'right_ear',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hip',
    'right_hip',
    'left_knee',
    'right_knee',
    'left_ankle',
    'right_ankle',
)
COCO_EDGES = (
    (15, 13),
    (13, 11),
    (16, 14),
    (14, 12),
    (11, 12),
    (5, 11),
    (6, 12),
    (5, 6),
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
)
COCO_FLIP = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)

KEYPOINT_SETS = {
    'mpii': KeypointSet(MPII_KEYPOINTS, MPII_EDGES, MPII_FLIP),
    'coco': KeypointSet(COCO_KEYPOINTS, COCO_EDGES, COCO_FLIP),
}

# Look Into Person, 20 classes.
LIP_PARTS = (
    'background',
    'hat',
    'hair',
    'glove',
    'sunglasses',
    'upper_clothes',
    'dress',
    'coat',
    'socks',
    'pants',
    'jumpsuits',
    'scarf',
    'skirt',
    'face',
    'left_arm',
    'right_arm',
    'left_leg',
    'right_leg',
    'left_shoe',
    'right_shoe',
)
LIP_COLORS = (
    (0, 0, 0),
    (128, 0, 0),
    (255, 0, 0),
    (0, 85, 0),
    (170, 0, 51),
    (255, 85, 0),
    (0, 0, 85),
    (0, 119, 221),
    (85, 85, 0),
    (0, 85, 85),
    (85, 51, 0),
    (52, 86, 128),
    (0, 128, 0),
    (0, 0, 255),
    (51, 170, 221),
    (0, 255, 255),
    (85, 255, 170),
    (170, 255, 85),
    (255, 255, 0),
    (255, 170, 0),
)

LIP_FLIP = (*range(14), 15, 14, 17, 16, 19, 18)

# The merged classes of Pfeiffer et al., section 4.1, and that of each LIP class.
FIVE_PARTS = ('background', 'head', 'upper_body', 'lower_body', 'shoes')
FIVE_PART_COLORS = ((0, 0, 0), (255, 85, 0), (0, 119, 221), (0, 170, 85), (255, 255, 0))
FIVE_PARTS_FLIP = (0, 1, 2, 3, 4)  # none has a side
LIP_TO_5_PARTS = (0, 1, 1, 2, 1, 2, 2, 2, 4, 3, 2, 2, 3, 1, 2, 2, 3, 3, 4, 4)

PART_SETS = {
    'lip': PartSet(LIP_PARTS, LIP_COLORS, LIP_FLIP, tuple(range(20))),
    'five': PartSet(FIVE_PARTS, FIVE_PART_COLORS, FIVE_PARTS_FLIP, LIP_TO_5_PARTS),
}

# The attribute extension of Market-1501 (Lin et al. 2019): 12 attributes, classes in the order of
# their 1-based values in market_attribute.mat; the colours are 8 and 9 yes/no columns there.
MARKET_ATTRIBUTES = (
    AttributeSpec('gender', ('male', 'female')),
    AttributeSpec('age', ('child', 'teenager', 'adult', 'old')),
    AttributeSpec('hair', ('short', 'long')),
    AttributeSpec('sleeve', ('long', 'short')),
    AttributeSpec('lower_length', ('long', 'short')),
    AttributeSpec('lower_type', ('dress', 'pants')),
    AttributeSpec('backpack', ('no', 'yes')),
    AttributeSpec('handbag', ('no', 'yes')),
    AttributeSpec('bag', ('no', 'yes')),
    AttributeSpec('hat', ('no', 'yes')),
    AttributeSpec(
        'upper_color',
        ('black', 'white', 'red', 'purple', 'yellow', 'gray', 'blue', 'green'),
    ),
    AttributeSpec(
        'lower_color',
        ('black', 'white', 'pink', 'purple', 'yellow', 'gray', 'blue', 'green', 'brown'),
    ),
)

# PA-100K (Liu et al. 2017), 26 yes/no attributes in the order of annotation.mat.
PA100K_ATTRIBUTES = tuple(
    AttributeSpec(name, ('no', 'yes'))
    for name in (
        'female',
        'age_over_60',
        'age_18_60',
        'age_less_18',
        'front',
        'side',
        'back',
        'hat',
        'glasses',
        'hand_bag',
        'shoulder_bag',
        'backpack',
        'hold_objects_in_front',
        'short_sleeve',
        'long_sleeve',
        'upper_stride',
        'upper_logo',
        'upper_plaid',
        'upper_splice',
        'lower_stripe',
        'lower_pattern',
        'long_coat',
        'trousers',
        'shorts',
        'skirt_dress',
        'boots',
    )
)
