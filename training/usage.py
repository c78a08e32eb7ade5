"""What a training takes: time, crops, memory and processes."""

from dataclasses import dataclass

import torch


@dataclass
class Usage:
    """
    What a training took, over all its sessions.

    A session that is killed counts up to its last state, as its steps do.
    """

    seconds: float = 0.0  # with validations and the start of the reading processes
    step_seconds: float = 0.0
    waiting_seconds: float = 0.0  # of the steps, for the next batch
    crops: int = 0  # that the first process saw in the steps
    memory_bytes: int = 0  # peak of the first process
    processes: int = 0  # of the last session

    @property
    def crops_per_second(self) -> float:
        """Training speed of a process."""
        return self.crops / self.step_seconds if self.step_seconds else 0.0

    @property
    def waiting_share(self) -> float:
        """Share of the time in which the device has nothing to do."""
        return self.waiting_seconds / self.step_seconds if self.step_seconds else 0.0


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process has held so far, on its GPU or else in main memory."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device)
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
