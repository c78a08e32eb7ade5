"""
The three rendered data sets: what is filmed, where, by which cameras.

They differ as public ones do: a surveillance set for re-identification and attributes, a sports
set for poses, a set of clothed people for body parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.synthetic.background import Surroundings
from training.synthetic.degrade import Photography
from training.synthetic.framing import Framing
from training.synthetic.identity import Population
from training.synthetic.light import Daylight


@dataclass(frozen=True)
class Domain:
    """How the pictures of a data set come about."""

    tasks: frozenset[str]  # which of its labels a public data set of the kind has
    actions: Mapping[str, float]  # shares, see ``sample_pose``
    population: Population
    surroundings: Surroundings
    daylight: Daylight
    photography: Photography
    framing: Framing
    cameras: int  # fixed ones at a site; 0 = every picture has a camera and a place of its own
    elevation_deg: tuple[float, float]  # of the camera as seen by the person: mean and spread
    distance: tuple[float, float]  # camera to person, metres
    company: tuple[float, ...] = field(default=(0.5, 0.25, 0.13, 0.07, 0.05))  # share of 0, 1, ...
    in_front: float = 0.3  # share of the company that is nearer to the camera than the person
    occluded: float = 0.1  # share of pictures with something in front of the person
    bicycles: float = 0.1  # share of pictures with parked bicycles
    holding: float = 0.15  # share of people with something in a hand


SURVEILLANCE = Domain(
    tasks=frozenset({'reid', 'attributes'}),
    actions={
        'walk': 0.52,
        'walk with gesture': 0.14,
        'stand': 0.08,
        'stand with gesture': 0.08,
        'cycle': 0.1,
        'run': 0.03,
        'sit': 0.02,
        'crouch': 0.01,
        'bend': 0.02,
    },
    population=Population(ages=(0.03, 0.6, 0.29, 0.08), warm=0.75, sports=0.08),
    surroundings=Surroundings(
        grounds={'asphalt': 0.35, 'tiles': 0.4, 'grass': 0.06, 'road': 0.14, 'floor': 0.05},
        walls={'windows': 0.25, 'bricks': 0.12, 'stripes': 0.1, 'plain': 0.13, 'clutter': 0.4},
    ),
    daylight=Daylight(sunny=0.4),
    photography=Photography(
        resolution=(0.36, 1.2),
        contrast=(0.88, 1.25),
        saturation=(0.5, 1.1),
        balance_spread=0.08,
        blur=(0.4, 0.3),
        motion_blurred=0.15,
        jpeg_quality=(25, 85),
        compressed=0.9,
        sharpened=0.35,
    ),
    framing=Framing(jitter=0.045, letterboxed=0.4, cut=0.1),
    cameras=6,
    elevation_deg=(11.0, 9.0),
    distance=(5.0, 25.0),
    company=(0.25, 0.35, 0.2, 0.12, 0.08),
    in_front=0.6,
    occluded=0.14,
    bicycles=0.35,
)

SPORTS = Domain(
    tasks=frozenset({'pose'}),
    actions={
        'sport': 0.22,
        'run': 0.11,
        'jump': 0.1,
        'reach': 0.09,
        'bend': 0.1,
        'swing': 0.12,
        'kick': 0.07,
        'crouch': 0.05,
        'sit': 0.09,
        'cycle': 0.04,
        'stand with gesture': 0.05,
    },
    population=Population(ages=(0.1, 0.34, 0.5, 0.06), warm=0.85, sports=0.75),
    surroundings=Surroundings(
        grounds={'grass': 0.4, 'court': 0.3, 'sand': 0.14, 'snow': 0.06, 'floor': 0.1},
        walls={'plain': 0.2, 'stripes': 0.1, 'clutter': 0.35, 'trees': 0.35},
        posts=1,
        blocks=2,
        plants=4,
    ),
    daylight=Daylight(sunny=0.75, sun=(0.5, 1.4)),
    photography=Photography(
        resolution=(0.6, 1.6),
        saturation=(0.8, 1.35),
        contrast=(0.95, 1.35),
        blur=(0.15, 0.25),
        motion_blurred=0.15,
        jpeg_quality=(50, 96),
        sharpened=0.3,
        monochrome=0.05,
        shallow=0.35,
        balance_spread=0.09,
    ),
    framing=Framing(jitter=0.03, letterboxed=0.2, cut=0.25, close=0.12),
    cameras=0,
    elevation_deg=(3.0, 7.0),
    distance=(2.2, 9.0),
    bicycles=0.03,
    holding=0.35,
)

CLOTHES = Domain(
    tasks=frozenset({'parts', 'pose'}),
    actions={
        'picture': 0.3,
        'stand': 0.1,
        'stand with gesture': 0.22,
        'walk': 0.12,
        'walk with gesture': 0.06,
        'sit': 0.11,
        'reach': 0.04,
        'bend': 0.02,
        'sport': 0.03,
    },
    population=Population(ages=(0.06, 0.28, 0.56, 0.1), women=0.62, warm=0.5, rich=0.6),
    surroundings=Surroundings(
        grounds={'floor': 0.4, 'tiles': 0.3, 'asphalt': 0.15, 'grass': 0.15},
        walls={'plain': 0.3, 'windows': 0.15, 'bricks': 0.1, 'clutter': 0.35, 'trees': 0.1},
        wall_distance=(1.5, 9.0),
        posts=2,
        blocks=4,
        plants=2,
    ),
    daylight=Daylight(sunny=0.25, sky=(0.5, 0.95), warmth=(0.08, 0.1)),
    photography=Photography(
        resolution=(0.9, 1.8),
        blur=(0.0, 0.2),
        noise=1.2,
        motion_blurred=0.02,
        jpeg_quality=(70, 97),
        monochrome=0.03,
        shallow=0.35,
        balance_spread=0.08,
    ),
    framing=Framing(jitter=0.025, letterboxed=0.25, cut=0.3, close=0.2),
    cameras=0,
    elevation_deg=(0.0, 4.0),
    distance=(2.0, 6.0),
    occluded=0.05,
    bicycles=0.02,
)

DOMAINS: Mapping[str, Domain] = {
    'surveillance': SURVEILLANCE,
    'sports': SPORTS,
    'clothes': CLOTHES,
}
