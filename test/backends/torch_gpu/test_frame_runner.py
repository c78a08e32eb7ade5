import numpy as np
import pytest
import torch
from fake_checkpoint import INFO
from fake_crops import fake_crops

from person_mtl_ros.backends.agreement import disagreements, measure_agreement
from person_mtl_ros.backends.torch_backend import TorchBackend, decoder_of, load_network
from person_mtl_ros.backends.torch_gpu.device_crops import planar_image
from person_mtl_ros.backends.torch_gpu.frame_runner import EagerReplay, FrameRunner, RowNetwork
from person_mtl_ros.backends.torch_gpu.half_precision import prepare_for_gpu
from person_mtl_ros.checkpoint import Checkpoint
from person_mtl_ros.crops import crop_boxes, crop_sharpness, cut_crops
from person_mtl_ros.networks.multi_task_net import TASKS

CPU = torch.device('cpu')


class WatchedReplay(EagerReplay):
    sizes: list[int]

    def run(self, size: int) -> torch.Tensor:
        self.sizes.append(size)
        return super().run(size)


def _runner(checkpoint: Checkpoint, precision: str = 'fp32') -> tuple[FrameRunner, WatchedReplay]:
    network = prepare_for_gpu(load_network(checkpoint, TASKS), precision)
    one_crop = torch.zeros(1, 3, INFO.crop.height, INFO.crop.width, dtype=torch.uint8)
    with torch.inference_mode():
        rows = RowNetwork(network, decoder_of(checkpoint.info), one_crop)
    replay = WatchedReplay(rows, INFO.crop, CPU)
    replay.sizes = []
    return FrameRunner(replay, rows.layout, INFO.crop, lambda: None, pin=False), replay


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
@torch.inference_mode()
def test_answers_are_those_of_the_checkpoint(checkpoint: Checkpoint, precision: str) -> None:
    expected = TorchBackend(checkpoint, 'cpu', TASKS).infer(fake_crops(5))
    actual = _runner(checkpoint, precision)[0].infer(fake_crops(5))
    assert set(actual) == set(TASKS)
    for task in TASKS:
        assert (actual[task].dtype, actual[task].shape) == (
            expected[task].dtype,
            expected[task].shape,
        )
    assert disagreements(measure_agreement(expected, actual, INFO.crop.height)) == []


@torch.inference_mode()
def test_answers_outlive_the_next_run(checkpoint: Checkpoint) -> None:
    runner, _ = _runner(checkpoint)
    first = runner.infer(fake_crops(2))['reid']
    kept = first.copy()
    runner.infer(255 - fake_crops(2))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ('max_batch', 'sizes'), [(64, [64, 8]), (30, [32, 32, 12]), (1, [1] * 70)]
)
@torch.inference_mode()
def test_people_of_an_image_keep_their_order(
    checkpoint: Checkpoint, max_batch: int, sizes: list[int]
) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (300, 400, 3), np.uint8)
    height = rng.uniform(20, 300, 70)  # some shrink, some do not
    half = np.stack((0.4 * height, height), axis=1) / 2
    center = rng.uniform((0, 0), (400, 300), (70, 2))
    areas = crop_boxes(np.hstack((center - half, center + half)), INFO.crop)
    runner, replay = _runner(checkpoint)
    planes = planar_image(torch.from_numpy(image))
    outputs, sharpness = runner.infer_image(planes, areas, max_batch)
    assert replay.sizes == sizes
    crops = cut_crops(image, areas, INFO.crop)
    expected = TorchBackend(checkpoint, 'cpu', TASKS).infer(crops)
    # The crops differ by rounding, which noise in place of a picture shows most.
    assert ((expected['reid'] * outputs['reid']).sum(axis=1) > 0.999).all()
    offset = (expected['pose'] - outputs['pose'])[..., :2]
    assert np.linalg.norm(offset, axis=-1).max() < 0.5
    np.testing.assert_allclose(sharpness, crop_sharpness(crops), atol=0.03)
