from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_checkpoint import INFO, write_fake_checkpoint

from person_mtl_ros.backends.backend import ImageAnswers
from person_mtl_ros.backends.torch_backend import TorchBackend
from person_mtl_ros.crops import crop_boxes, crop_sharpness, cut_crops
from person_mtl_ros.predictor import Predictor
from person_mtl_ros.structures import Detection
from person_mtl_ros.tasks import TASKS

BOXES = (
    (10, 10, 60, 150),
    (-20, 40, 30, 180),  # reaches outside
    (80, 20, 100, 60),
    (0, 0, 200, 200),
    (150, 100, 199, 199),
)


@pytest.fixture(scope='module')
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_checkpoint(tmp_path_factory.mktemp('x') / 'x.safetensors')


@pytest.fixture(scope='module')
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)


def _detections() -> list[Detection]:
    return [Detection(np.array(box, np.float32), index=i) for i, box in enumerate(BOXES)]


@pytest.mark.parametrize('max_batch', [1, 2, 64])
def test_people_of_one_batch_are_seen_as_if_alone(
    path: Path, image: np.ndarray, max_batch: int
) -> None:
    predictor = Predictor(path, 'torch', 'cpu', max_batch=max_batch)
    together = predictor.predict(image, _detections())
    alone = [predictor.predict(image, [detection])[0] for detection in _detections()]
    for one, other in zip(together, alone, strict=True):
        assert one.detection.index == other.detection.index
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-5)
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-2)
        for name, probabilities in one.attributes.items():
            np.testing.assert_allclose(probabilities, other.attributes[name], atol=1e-5)
        # arg-max may flip where two classes tie to within rounding
        assert (one.part_mask.labels == other.part_mask.labels).mean() > 0.99


def test_estimates_have_the_shapes_of_the_model_info(path: Path, image: np.ndarray) -> None:
    predictor = Predictor(path, 'torch', 'cpu')
    person = predictor.predict(image, _detections())[0]
    info = predictor.info
    assert person.embedding.shape == (info.embedding_dim,)
    assert np.linalg.norm(person.embedding) == pytest.approx(1, abs=1e-5)
    assert {name: len(p) for name, p in person.attributes.items()} == {
        a.name: len(a.classes) for a in info.attributes
    }
    assert sum(person.attributes['hat']) == pytest.approx(1, abs=1e-5)
    assert person.keypoints.shape == (len(info.keypoint_names), 3)
    assert person.part_mask.labels.max() < len(info.part_names)


def test_keypoints_and_mask_lie_in_the_area_of_the_crop(path: Path, image: np.ndarray) -> None:
    areas = crop_boxes(BOXES, INFO.crop)
    for person, area in zip(
        Predictor(path, 'torch', 'cpu').predict(image, _detections()), areas, strict=True
    ):
        assert (person.part_mask.box_xyxy == area).all()
        assert (person.keypoints[:, :2] >= area[:2]).all()
        assert (person.keypoints[:, :2] <= area[2:]).all()


def test_answers_move_with_the_image(path: Path, image: np.ndarray) -> None:
    predictor = Predictor(path, 'torch', 'cpu')
    moved = np.zeros((300, 300, 3), np.uint8)
    moved[50:250, 70:270] = image
    here = predictor.predict(image, [Detection(np.array([80, 20, 100, 60], np.float32))])[0]
    there = predictor.predict(moved, [Detection(np.array([150, 70, 170, 110], np.float32))])[0]
    np.testing.assert_allclose(here.embedding, there.embedding, atol=1e-5)
    np.testing.assert_allclose(np.add(here.keypoints, [70, 50, 0]), there.keypoints, atol=1e-3)


def test_heads_that_are_off_leave_their_fields_empty(path: Path, image: np.ndarray) -> None:
    person = Predictor(path, 'torch', 'cpu', heads=['reid']).predict(image, _detections())[0]
    assert len(person.embedding) == INFO.embedding_dim
    assert person.attributes == {}
    assert person.keypoints.shape == (0, 3)
    assert person.part_mask is None


def test_an_empty_image_of_people_is_an_answer(path: Path, image: np.ndarray) -> None:
    predictor = Predictor(path, 'torch', 'cpu', heads=TASKS)
    assert predictor.predict(image, []) == []
    assert set(predictor.last_timings) == {'crop', 'forward', 'decode'}


def test_every_stage_is_timed(path: Path, image: np.ndarray) -> None:
    predictor = Predictor(path, 'torch', 'cpu')
    predictor.predict(image, _detections())
    assert all(seconds > 0 for seconds in predictor.last_timings.values())


class ImageTorchBackend(TorchBackend):
    """Cuts the crops itself, as backends on GPUs do."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.coming: list[np.ndarray] = []
        self.max_batch = 0

    def prefetch(self, image_bgr: np.ndarray) -> None:
        self.coming.append(image_bgr)

    def infer_image(
        self, image_bgr: np.ndarray, areas_xyxy: np.ndarray, max_batch: int
    ) -> ImageAnswers:
        self.max_batch = max_batch
        crops = cut_crops(image_bgr, areas_xyxy, INFO.crop)
        return ImageAnswers(self.infer(crops), crop_sharpness(crops))


def test_a_backend_that_cuts_the_crops_itself_gets_the_image(
    path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Predictor(path, 'torch', 'cpu').predict(image, _detections())
    monkeypatch.setattr(
        'person_mtl_ros.predictor.create_backend',
        lambda _, model, device, heads: ImageTorchBackend(model, device, heads),
    )
    predictor = Predictor(path, 'torch', 'cpu', max_batch=3)
    assert predictor.prefetches
    predictor.prefetch(image)
    actual = predictor.predict(image, _detections())
    assert predictor._backend.coming == [image]
    assert predictor._backend.max_batch == 3
    for one, other in zip(actual, expected, strict=True):
        assert one.detection.index == other.detection.index
        assert one.sharpness == other.sharpness
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-5)
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=1e-2)
        assert (one.part_mask.box_xyxy == other.part_mask.box_xyxy).all()
    assert predictor.predict(image, []) == []


def test_on_a_cpu_images_do_not_come_ahead(path: Path, image: np.ndarray) -> None:
    predictor = Predictor(path, 'torch', 'cpu')
    assert not predictor.prefetches
    predictor.prefetch(image)


@pytest.mark.parametrize(('people', 'max_batch'), [(0, 8), (3, 8), (3, 1)])
def test_work_beside_the_network_is_begun_once(
    path: Path, image: np.ndarray, people: int, max_batch: int
) -> None:
    begun: list[bool] = []
    predictor = Predictor(path, 'torch', 'cpu', max_batch=max_batch)
    predictor.predict(image, _detections()[:people], lambda: begun.append(True))
    assert begun == [True]
