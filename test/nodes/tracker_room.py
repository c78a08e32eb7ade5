"""A tracker node under test and the people it is told of."""

import numpy as np
from bench import Bench, header_at
from person_mtl.msg import (
    PersonArray,
    PersonModelInfo,
    TrackedPerson,
    TrackedPersonArray,
)

from person_mtl_ros.nodes.conversions import stamp_ns
from person_mtl_ros.nodes.person_messages import model_info_to_message, persons_to_message
from person_mtl_ros.structures import AttributeSpec, Detection, ModelInfo, PersonEstimate

NODE = 'tracker_node'
INFO = ModelInfo('model-a', 8, 0.3, (AttributeSpec('hat', ('no', 'yes')),))


def look(person: int) -> np.ndarray:
    """Embedding of one of eight people who do not look alike."""
    return np.eye(8, dtype=np.float32)[person]


def person(x: float, who: int = 0, score: float = 0.9) -> PersonEstimate:
    box_xyxy = np.array([x - 20, 100, x + 20, 220], np.float32)
    hat = {'hat': np.array([0.25, 0.75], np.float32)}
    return PersonEstimate(Detection(box_xyxy, score), look(who), hat)


class Room:
    """Publishes people to a running tracker node."""

    def __init__(self, bench: Bench, **parameters) -> None:
        self.bench = bench
        bench.start(NODE, **parameters)
        self.info = bench.publisher(PersonModelInfo, 'model_info', latched=True)
        self.persons = bench.publisher(PersonArray, 'persons')
        self.tracked = bench.listen(TrackedPersonArray, 'tracked_persons')
        self.now = 1.0

    def enter(self) -> 'Room':
        """Tell the model and wait until the whole way is open."""
        self.info.publish(model_info_to_message(INFO))
        while not self.tracked:
            self.show()
            self.bench.spin_for(0.3)
        return self

    def show(self, *people: PersonEstimate, step: float = 0.1, change=None) -> int:
        """Publish the people of the next image."""
        self.tracked.clear()  # stamps come again where time jumps back
        self.now = round(self.now + step, 6)
        message = persons_to_message(header_at(self.now), (640, 480), people, INFO)
        if change is not None:
            change(message)
        self.persons.publish(message)
        return stamp_ns(message.header)

    def answer(self, stamp: int) -> TrackedPersonArray:
        self.bench.until(lambda: any(stamp_ns(m.header) == stamp for m in self.tracked))
        return next(m for m in self.tracked if stamp_ns(m.header) == stamp)

    def watch(self, *people: PersonEstimate, frames: int = 6) -> list[TrackedPerson]:
        """Show the same people for a while; who is confirmed at the end."""
        for _ in range(frames):
            answer = self.answer(self.show(*people))
        confirmed = [p for p in answer.persons if p.state == TrackedPerson.STATE_CONFIRMED]
        return [p for p in confirmed if p.is_matched]

    def count_grows(self, key: str, amount: int = 1):
        """A function that waits until a counter has grown from what it is now."""
        before = self.bench.count(NODE, key)
        return lambda: self.bench.until(lambda: self.bench.count(NODE, key) == before + amount)
