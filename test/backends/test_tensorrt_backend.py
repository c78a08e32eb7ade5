"""The backend with stand-ins for TensorRT and CUDA: see ``fake_tensorrt``."""

import gc
import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import INFO
from fake_crops import fake_crops
from fake_tensorrt import FakeCuda, FakeDriver, FakeNvrtc, FakeTensorRt

from person_mtl_ros import backends
from person_mtl_ros.backends import BackendError, DeviceError, ImageBackend, create_backend
from person_mtl_ros.backends.agreement import disagreements, measure_agreement
from person_mtl_ros.checkpoint import open_model
from person_mtl_ros.crops import crop_boxes, crop_sharpness, cut_crops
from person_mtl_ros.networks.multi_task_net import TASKS

MODULES = (
    'cuda_memory',
    'crop_kernels',
    'tensorrt_engine',
    'tensorrt_images',
    'tensorrt_backend',
)


@pytest.fixture
def trt(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTensorRt]:
    cuda = FakeCuda()
    fake = FakeTensorRt(cuda)
    bindings = type(sys)('cuda.bindings')
    bindings.runtime, bindings.driver, bindings.nvrtc = cuda, fake.driver, fake.nvrtc
    for name, module in {
        'tensorrt': fake,
        'cuda': type(sys)('cuda'),
        'cuda.bindings': bindings,
        'cuda.bindings.runtime': cuda,
        'cuda.bindings.driver': fake.driver,
        'cuda.bindings.nvrtc': fake.nvrtc,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    _forget_our_modules()
    yield fake
    _forget_our_modules()


def _forget_our_modules() -> None:
    for name in MODULES:
        sys.modules.pop(f'{backends.__name__}.{name}', None)


def _create(path: Path, tasks=TASKS, device: str = 'cuda'):
    return create_backend('tensorrt', open_model(path), device, tasks)


@pytest.mark.usefixtures('trt')
@pytest.mark.parametrize('count', [1, 3, 16, 64, 130])
def test_answers_are_those_of_the_checkpoint(weights: Path, exported: Path, count: int) -> None:
    expected = create_backend('torch', open_model(weights), 'cpu', TASKS).infer(fake_crops(count))
    backend = _create(exported)
    assert (backend.name, backend.device, backend.precision) == ('tensorrt', 'cuda:0', 'fp16')
    backend.infer(255 - fake_crops(70))  # its memory is used again
    actual = backend.infer(fake_crops(count))
    assert list(actual) == list(TASKS)
    for task in TASKS:
        assert actual[task].dtype == expected[task].dtype
        assert actual[task].shape == expected[task].shape
    assert disagreements(measure_agreement(expected, actual, INFO.crop.height)) == []


@pytest.mark.parametrize('max_batch', [64, 2])
def test_people_of_images_are_cut_out_on_the_gpu(
    trt: FakeTensorRt, exported: Path, picture: np.ndarray, max_batch: int
) -> None:
    backend = _create(exported)
    assert isinstance(backend, ImageBackend)
    rng = np.random.default_rng(0)
    images = [picture, picture[::-1], np.tile(picture, (2, 1, 1)), picture[:100]]
    for number, image in enumerate(images):
        if number + 1 < len(images):
            backend.prefetch(images[number + 1])
        corner = rng.uniform(-50, 400, (2 * number + 1, 2))
        height = rng.uniform(30, 600, (2 * number + 1, 1))
        areas = crop_boxes(np.hstack((corner, corner + height * (0.4, 1))), INFO.crop)
        crops = cut_crops(image, areas, INFO.crop)
        outputs, sharpness = backend.infer_image(image, areas, max_batch)
        expected = backend.infer(crops)
        assert disagreements(measure_agreement(expected, outputs, INFO.crop.height)) == []
        np.testing.assert_allclose(sharpness, crop_sharpness(crops), atol=0.01)


def test_kernels_that_do_something_else_are_not_used(trt: FakeTensorRt, exported: Path) -> None:
    trt.driver.brightness = 20
    with pytest.raises(BackendError, match=r'crops cut there differ by \d+ of 255 from those'):
        _create(exported)


def test_without_nvrtc_its_package_is_told(trt: FakeTensorRt, exported: Path) -> None:
    trt.nvrtc.is_installed = False
    with pytest.raises(BackendError, match=r'no NVRTC \(Failure .*pip install "cuda-bindings'):
        _create(exported)


@pytest.mark.usefixtures('trt')
def test_crops_need_not_lie_in_one_piece(exported: Path) -> None:
    backend, crops = _create(exported), fake_crops(6)
    np.testing.assert_array_equal(
        backend.infer(crops[::2])['reid'], backend.infer(crops[::2].copy())['reid']
    )


def test_heads_that_are_off_are_not_compiled(trt: FakeTensorRt, exported: Path) -> None:
    among = _create(exported).infer(fake_crops(2))
    alone = _create(exported, ['pose']).infer(fake_crops(2))
    assert list(alone) == ['pose']
    np.testing.assert_allclose(alone['pose'], among['pose'], atol=1e-3)
    assert [output.name for output in trt.builds[-1].graph.output] == ['pose']


def test_networks_are_compiled_once(
    trt: FakeTensorRt, exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    for _ in range(2):
        assert _create(exported).precision == 'fp16'
    assert len(trt.builds) == 1
    assert 'in fp16 for Fake GPU, which takes minutes' in caplog.text
    assert caplog.text.count('in fp16 agrees with fp32: embedding_cosine') == 1
    trt.__version__ = '11.5.0'
    _create(exported)
    assert len(trt.builds) == 2


def test_a_broken_file_is_compiled_again(
    trt: FakeTensorRt, exported: Path, cache_folder: Path
) -> None:
    expected = _create(exported).infer(fake_crops(1))
    (plan,) = cache_folder.glob('*.plan')
    plan.write_bytes(plan.read_bytes()[:100])
    np.testing.assert_array_equal(_create(exported).infer(fake_crops(1))['pose'], expected['pose'])
    assert len(trt.builds) == 2


def test_a_file_that_tensorrt_refuses_is_compiled_again(
    trt: FakeTensorRt, exported: Path, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    backend = _create(exported)
    module = sys.modules[type(backend).__module__]
    engine, refusals = module.Engine, ['made by another driver']

    def load(*arguments):
        if refusals:
            raise module.EngineError(refusals.pop())
        return engine(*arguments)

    monkeypatch.setattr(module, 'Engine', load)
    assert _create(exported).infer(fake_crops(1))['reid'].shape == (1, INFO.embedding_dim)
    assert len(trt.builds) == 2
    assert 'is made again: made by another driver' in caplog.text


def test_half_precision_that_does_not_agree_is_not_used(
    trt: FakeTensorRt, exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trt.error = 1.0
    for _ in range(2):
        assert _create(exported).precision == 'fp32'
    assert len(trt.builds) == 2
    assert 'in fp16 does not agree with fp32: keypoint_error_px 5.6' in caplog.text


@pytest.mark.parametrize(
    ('fault', 'reason'),
    [
        ('build', 'TensorRT cannot compile the network: no tactic'),
        ('load', 'TensorRT does not load the compiled network: made by another version'),
        ('prepare', 'TensorRT cannot prepare the network: no reason given'),
        ('run', 'TensorRT failed: illegal address'),
    ],
)
def test_half_precision_that_cannot_be_prepared_is_not_used(
    trt: FakeTensorRt,
    exported: Path,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    reason: str,
) -> None:
    trt.refuses, trt.refuses_halves_only = fault, True
    backend = _create(exported)
    assert backend.precision == 'fp32'
    assert backend.infer(fake_crops(1))['reid'].shape == (1, INFO.embedding_dim)
    told = [r.getMessage() for r in caplog.records if 'cannot be prepared' in r.getMessage()]
    assert told == [f'{exported} with tensorrt on cuda:0 in fp16 cannot be prepared: {reason}']


def test_memory_that_was_short_once_does_not_decide_for_ever(
    trt: FakeTensorRt,
    exported: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = _create(exported)
    module = sys.modules[type(backend).__module__]
    engine, reasons = module.Engine, []

    def load(*arguments):
        if reasons:
            raise module.CudaError(reasons.pop())
        return engine(*arguments)

    monkeypatch.setattr(module, 'Engine', load)
    for _ in range(2):
        reasons.append('out of memory')
        assert _create(exported).precision == 'fp32'
        assert _create(exported).precision == 'fp16'
    assert caplog.text.count('in fp16 cannot be prepared: out of memory') == 2
    assert len(trt.builds) == 2


@pytest.mark.parametrize(
    ('fault', 'reason'),
    [
        ('parse', 'TensorRT cannot read the network: unknown operation'),
        ('build', 'TensorRT cannot compile the network: no tactic'),
        ('load', 'TensorRT does not load the compiled network: made by another version'),
        ('prepare', 'TensorRT cannot prepare the network'),
    ],
)
def test_what_tensorrt_cannot_do_is_said_in_one_line(
    trt: FakeTensorRt, exported: Path, fault: str, reason: str
) -> None:
    trt.refuses = fault
    expected = f'in fp16 cannot be prepared: {reason}.*; in fp32 cannot be prepared: {reason}'
    with pytest.raises(BackendError, match=expected) as caught:
        _create(exported)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('fault', 'reason'), [('shape', 'refuses a batch of 2'), ('run', 'failed: illegal address')]
)
def test_a_device_that_fails_is_told_from_a_bug(
    trt: FakeTensorRt, exported: Path, fault: str, reason: str
) -> None:
    backend = _create(exported)
    trt.refuses = fault
    with pytest.raises(DeviceError, match=f'cuda:0 failed on a batch of 2: TensorRT {reason}'):
        backend.infer(fake_crops(2))
    trt.refuses = ''
    trt.cuda.fails = True
    areas = np.array([[0, 0, 4, 8]], np.float32)
    with pytest.raises(DeviceError, match='cuda:0 failed on 1 people: out of memory'):
        backend.infer_image(np.zeros((9, 9, 3), np.uint8), areas, 64)
    with pytest.raises(DeviceError, match='cuda:0 cannot take an image: out of memory'):
        backend.prefetch(np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(DeviceError, match='cuda:0 failed on a batch of 2: out of memory'):
        backend.infer(fake_crops(2))


@pytest.mark.usefixtures('trt')
def test_crops_of_another_size_fail_in_one_line(exported: Path) -> None:
    with pytest.raises(DeviceError, match=r'crops are \(3, 32, 32\); expected \(3, 64, 32\)'):
        _create(exported).infer(np.zeros((2, 3, 32, 32), np.uint8))


@pytest.mark.parametrize(
    ('device', 'tasks', 'reason'),
    [
        ('cpu', TASKS, "runs on a GPU, as cuda:0; device is 'cpu'"),
        ('cuda:first', TASKS, "device is 'cuda:first'"),
        ('cuda:1', TASKS, 'there are 1 GPUs'),
        ('cuda', ['gait'], 'no head for gait'),
    ],
)
@pytest.mark.usefixtures('trt')
def test_what_is_not_there_is_named(
    exported: Path, device: str, tasks: list[str], reason: str
) -> None:
    with pytest.raises(BackendError, match=reason):
        _create(exported, tasks, device)


def test_memory_of_the_gpu_is_given_back(trt: FakeTensorRt, exported: Path) -> None:
    backend = _create(exported, ['pose'])
    assert trt.cuda.blocks
    backend.infer(fake_crops(1))
    del backend
    gc.collect()
    assert trt.cuda.blocks == {}


def test_a_gpu_without_memory_is_named(trt: FakeTensorRt, exported: Path) -> None:
    trt.cuda.fails = True
    with pytest.raises(BackendError, match='in fp32 cannot be prepared: out of memory'):
        _create(exported)


@pytest.mark.usefixtures('trt')
def test_a_checkpoint_is_exported_as_for_onnxruntime(
    weights: Path, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f'{backends.__name__}.tensorrt_backend')
    asked = []
    monkeypatch.setattr(
        module,
        'exported_model',
        lambda *arguments: asked.append(arguments) or open_model(exported),
    )
    model = open_model(weights)
    backend = create_backend('tensorrt', model, 'cuda', ['reid'])
    assert asked == [(model, ['reid'], 'onnx', 'onnxruntime', 'cpu')]
    assert backend.infer(fake_crops(1))['reid'].shape == (1, INFO.embedding_dim)


@pytest.mark.usefixtures('trt')
def test_auto_takes_it_first_on_a_gpu(
    exported: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, 'person_mtl_ros')
    monkeypatch.setattr(backends, '_has_cuda_driver', lambda: True)
    assert create_backend('auto', open_model(exported), 'auto', ['reid']).name == 'tensorrt'
    assert 'backend tensorrt on cuda:0 in fp16' in caplog.text


def test_without_the_packages_their_names_are_told(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_our_modules()
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    with pytest.raises(BackendError, match=r'pip install tensorrt "cuda-bindings\[all\]" onnx'):
        _create(exported)


@pytest.mark.parametrize(
    ('module', 'fake'), [('runtime', FakeCuda), ('driver', FakeDriver), ('nvrtc', FakeNvrtc)]
)
def test_the_stand_ins_have_the_names_of_the_real_ones(module: str, fake: type) -> None:
    real = pytest.importorskip(f'cuda.bindings.{module}')
    names = [name for name in vars(fake) if name.startswith(('cu', 'nvrtc'))]
    assert [name for name in names if not hasattr(real, name)] == []
