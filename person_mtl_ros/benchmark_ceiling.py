"""What the arithmetic units of a device can do at most, and a stopwatch to measure it with."""

import time
from collections.abc import Callable

import numpy as np
import torch

# Of the ceiling, by the type of the device: a GPU is busy with large ones only.
MATRIX_SIZES = {'cpu': 2048, 'cuda': 8192}
TORCH_DTYPES = {
    'fp32': torch.float32,
    'bf16': torch.bfloat16,
    'fp16': torch.float16,
    'int8': torch.int8,
}


class Stopwatch:
    """Times on the clock and of the processor; the first does not count."""

    def __init__(self) -> None:
        self._times: list[tuple[float, float]] = []

    def measure(self, run: Callable[[], object]) -> None:
        """Run something once."""
        clock, cpu = time.perf_counter(), time.process_time()
        run()
        self._times.append((time.perf_counter() - clock, time.process_time() - cpu))

    def percentile_ms(self, percent: float) -> float:
        """Percentile of the times on the clock."""
        return 1e3 * float(np.percentile([clock for clock, _ in self._times[1:]], percent))

    def cpu_ms(self) -> float:
        """Median of the times of the processor, of all cores together."""
        return 1e3 * float(np.median([cpu for _, cpu in self._times[1:]]))


class Ceiling:
    """
    What a device does at most: products of two square matrices.

    :param precision: key of ``TORCH_DTYPES``.
    :param device: ``cpu``, or a GPU as ``cuda:0``.
    """

    def __init__(self, precision: str, device: str) -> None:
        self.watch = Stopwatch()
        self._device = torch.device(device)
        self._size = MATRIX_SIZES[self._device.type]
        matrices = torch.randn(2, self._size, self._size, device=self._device)
        self._a, self._b = matrices.to(TORCH_DTYPES[precision])
        self._multiply = torch._int_mm if precision == 'int8' else torch.matmul

    def __call__(self) -> None:
        """Multiply, and wait until the device is done."""
        self._multiply(self._a, self._b)
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)

    def flops_per_s(self) -> float:
        """Operations in the median time, a multiply-add counting as two."""
        return 2 * self._size**3 / (self.watch.percentile_ms(50) / 1e3)
