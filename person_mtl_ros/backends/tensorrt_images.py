"""From images to answers with TensorRT: uploaded once, cut to crops on the GPU."""

import numpy as np

from person_mtl_ros.backends.backend import ImageAnswers
from person_mtl_ros.backends.crop_grid import CropGrid
from person_mtl_ros.backends.crop_kernels import CropKernels
from person_mtl_ros.backends.cuda_memory import CudaError, Event, Gpu, Memory, Stream
from person_mtl_ros.backends.frame_ring import FrameRing
from person_mtl_ros.backends.kernel_source import SUMS, sharpness_of
from person_mtl_ros.backends.sample_crops import CLIP
from person_mtl_ros.backends.tensorrt_engine import Engine
from person_mtl_ros.crops import CropParams, crop_boxes, cut_crops
from person_mtl_ros.evaluation.sequence import load_sequence
from person_mtl_ros.structures import Float32Array, UInt8Array

PLACE_BYTES, SAMPLES_BYTES, SUM_BYTES = 4 * 4, 4, 8 * SUMS  # of one crop
# Between crops of the GPU and the CPU, of 255: twice what OpenCV's rounding of positions makes.
MAX_DIFFERENCE = 8


class ImageRunner:
    """
    Run a network on the people of images.

    :param engine: the network, on the GPU in use.
    :param gpu: it is on.
    :param crop: size and context of the crops.
    :raises CudaError: when the kernels cannot be compiled.
    """

    def __init__(self, engine: Engine, gpu: Gpu, crop: CropParams) -> None:
        self._engine = engine
        self._crop = crop
        self._kernels = CropKernels(gpu, crop)
        upload = Stream()
        self._frames = FrameRing([_Frame(upload) for _ in range(2)])
        self._places, self._samples, self._sums = Memory(1), Memory(1), Memory(1)

    def prefetch(self, image_bgr: UInt8Array) -> None:
        """Begin to bring an image to the GPU, see ``ImageBackend``."""
        self._frames.prefetch(image_bgr)

    def infer_image(
        self, image_bgr: UInt8Array, areas_xyxy: Float32Array, max_batch: int
    ) -> ImageAnswers:
        """Cut crops and run the network, see ``ImageBackend``."""
        frame, stream = self._frames.take(image_bgr), self._engine.stream
        count = len(areas_xyxy)
        self._upload_grid(CropGrid.of(areas_xyxy, self._crop))
        stream.wait(frame.uploaded)

        def fill(begin: int, end: int) -> None:
            crops = self._engine.input.device
            self._kernels.cut(
                frame.memory.device,
                image_bgr.shape[:2],
                self._places.device + begin * PLACE_BYTES,
                self._samples.device + begin * SAMPLES_BYTES,
                end - begin,
                crops,
                stream,
            )
            sums = self._sums.device + begin * SUM_BYTES
            self._kernels.sum_detail(crops, end - begin, sums, stream)
            if end == count:
                frame.read.record(stream)
                self._sums.download(count * SUM_BYTES, stream)

        outputs = self._engine.run(fill, count, max_batch)
        sums = self._sums.host[: count * SUM_BYTES].view(np.int64).reshape(count, SUMS)
        return ImageAnswers(outputs, sharpness_of(sums, self._crop))

    def verify(self) -> None:
        """
        Compare crops with those of the CPU.

        :raises CudaError: when they differ.
        """
        image_bgr = next(iter(load_sequence(CLIP))).image_bgr
        assert image_bgr is not None  # for the type: the clip has pictures
        height, width, _ = image_bgr.shape
        boxes = [[-width / 4, 0, width / 2, height], [width / 3, height / 3, width / 2, height]]
        areas = crop_boxes(boxes, self._crop)
        self.infer_image(image_bgr, areas, len(areas))
        expected = cut_crops(image_bgr, areas, self._crop)
        crops = self._engine.input
        crops.download(expected.size, self._engine.stream)
        self._engine.stream.synchronize()
        actual = crops.host[: expected.size].reshape(expected.shape)
        difference = int(np.abs(actual.astype(int) - expected).max())
        if difference > MAX_DIFFERENCE:
            raise CudaError(
                f'crops cut there differ by {difference} of 255 from those of the CPU; '
                f'expected at most {MAX_DIFFERENCE}'
            )

    def _upload_grid(self, grid: CropGrid) -> None:
        """Queue where the samples lie, and zeros to add the detail of the crops to."""
        count = len(grid.samples)
        if self._samples.size < count * SAMPLES_BYTES:
            self._places = Memory(count * PLACE_BYTES)
            self._samples = Memory(count * SAMPLES_BYTES)
            self._sums = Memory(count * SUM_BYTES)
        for memory, values in ((self._places, grid.places), (self._samples, grid.samples)):
            memory.host[: values.nbytes] = values.reshape(-1).view(np.uint8)
            memory.upload(values.nbytes, self._engine.stream)
        self._sums.clear(count * SUM_BYTES, self._engine.stream)


class _Frame:
    """Memory for one image; see ``FrameBuffer``."""

    def __init__(self, upload: Stream) -> None:
        self.memory = Memory(1)
        self.uploaded = Event()
        self.read = Event()
        self._upload = upload

    def write(self, image_bgr: UInt8Array) -> None:
        """Begin to bring an image there; waits only while the one before is still on its way."""
        self.uploaded.synchronize()
        if self.memory.size < image_bgr.size:
            self.read.synchronize()  # nobody reads what is given back now
            self.memory = Memory(image_bgr.size)
        host = self.memory.host[: image_bgr.size].reshape(image_bgr.shape)
        host[...] = image_bgr
        self._upload.wait(self.read)
        self.memory.upload(image_bgr.size, self._upload)
        self.uploaded.record(self._upload)
