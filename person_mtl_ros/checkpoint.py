"""
Checkpoints: one ``.safetensors`` file with the weights and all that is needed to use them.

The header of the file carries JSON text; nothing is ever unpickled. Reading it needs no torch.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.crops import CropParams
from person_mtl_ros.structures import AttributeSpec, ModelInfo

FORMAT = 'person_mtl'  # key of our JSON in the header
FORMAT_VERSION = 1


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint."""


@dataclass(frozen=True)
class CheckpointInfo:
    """Everything about a network except its weights."""

    network: str  # key of backends.torch_backend.NETWORKS
    network_params: Mapping[str, Any]  # fields of the network's parameters
    crop: CropParams
    embedding_dim: int = 0
    attributes: tuple[AttributeSpec, ...] = ()
    keypoint_names: tuple[str, ...] = ()
    keypoint_edges: tuple[tuple[int, int], ...] = ()
    part_names: tuple[str, ...] = ()
    part_colors: tuple[tuple[int, int, int], ...] = ()  # RGB
    same_person_threshold: float = 0.0  # cosine distance; below it two embeddings are one person
    false_accept_rate: float = 0.0  # share of pairs of strangers below the threshold
    false_reject_rate: float = 0.0  # share of pairs of one person above it
    training: Mapping[str, Any] = field(default_factory=dict)  # recipe, to do it again
    results: Mapping[str, Any] = field(default_factory=dict)  # measured, with the data they are of


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint; its tensors are float32 however they were stored."""

    path: Path
    model_id: str  # of the content of the file
    info: CheckpointInfo
    tensors: Mapping[str, NDArray[Any]]


def default_checkpoint() -> Path:
    """Path of the demo checkpoint that is installed with the package."""
    return Path(__file__).parent / 'weights' / 'demo.safetensors'


def save_checkpoint(
    path: Path, info: CheckpointInfo, tensors: Mapping[str, NDArray[Any]], half: bool = False
) -> None:
    """
    Write a checkpoint, whole or not at all.

    :param path: ``.safetensors`` file to write or replace.
    :param info: what describes the network.
    :param tensors: its weights by name.
    :param half: store float32 as float16: half the size, 3 decimal digits.
    :raises FileNotFoundError: when the folder does not exist.
    """
    stored = {
        name: np.ascontiguousarray(
            tensor.astype(np.float16) if half and tensor.dtype == np.float32 else tensor
        )
        for name, tensor in tensors.items()
    }
    header = json.dumps({'format_version': FORMAT_VERSION, **asdict(info)})
    with atomic_path(path) as temporary:
        # safetensors' own save_file gives a file that only its owner can read.
        temporary.write_bytes(save(stored, metadata={FORMAT: header}))


def load_info(path: Path | str) -> CheckpointInfo:
    """
    Read what a checkpoint says about itself, not its weights.

    :param path: ``.safetensors`` file.
    :raises CheckpointError: naming the file and what is wrong with it.
    """
    path = Path(path)
    try:
        with safe_open(path, framework='numpy') as file:
            header = file.metadata() or {}
    except FileNotFoundError as error:
        raise CheckpointError(f'checkpoint {path}: no such file') from error
    except OSError as error:
        raise CheckpointError(f'checkpoint {path}: cannot be read: {error}') from error
    except SafetensorError as error:
        raise CheckpointError(
            f'checkpoint {path}: truncated or not a safetensors file ({error})'
        ) from error
    if FORMAT not in header:
        raise CheckpointError(
            f"checkpoint {path}: a safetensors file without '{FORMAT}' in its header; "
            'expected one written by this package'
        )
    try:
        values = json.loads(header[FORMAT])
        version = values.pop('format_version')
        if version <= FORMAT_VERSION:
            return _info_from_json(values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(f'checkpoint {path}: broken header ({error!r})') from error
    raise CheckpointError(
        f'checkpoint {path}: format version {version}; this release reads up to '
        f'{FORMAT_VERSION}, use a newer one'
    )


def load_checkpoint(path: Path | str) -> Checkpoint:
    """
    Read a checkpoint.

    :param path: ``.safetensors`` file.
    :returns: its description and weights.
    :raises CheckpointError: naming the file and what is wrong with it.
    """
    path = Path(path)
    info = load_info(path)
    try:
        with safe_open(path, framework='numpy') as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f'checkpoint {path}: cannot be read: {error}') from error
    for name, tensor in tensors.items():
        if tensor.dtype == np.float16:
            tensors[name] = tensor.astype(np.float32)
    return Checkpoint(path, model_id(path), info, tensors)


def model_id(path: Path) -> str:
    """Short name of the content of a file: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def model_info(checkpoint: Checkpoint) -> ModelInfo:
    """Pick what a reader of the network's outputs needs."""
    info = checkpoint.info
    return ModelInfo(
        model_id=checkpoint.model_id,
        embedding_dim=info.embedding_dim,
        same_person_threshold=info.same_person_threshold,
        attributes=info.attributes,
        keypoint_names=info.keypoint_names,
        keypoint_edges=info.keypoint_edges,
        part_names=info.part_names,
        part_colors=info.part_colors,
    )


def _info_from_json(values: dict[str, Any]) -> CheckpointInfo:
    """Undo ``asdict`` and JSON, which turn dataclasses to dicts and tuples to lists."""
    attributes = tuple(AttributeSpec(a['name'], tuple(a['classes'])) for a in values['attributes'])
    return CheckpointInfo(
        **{
            **values,
            'crop': CropParams(**values['crop']),
            'attributes': attributes,
            'keypoint_names': tuple(values['keypoint_names']),
            'keypoint_edges': tuple((a, b) for a, b in values['keypoint_edges']),
            'part_names': tuple(values['part_names']),
            'part_colors': tuple((r, g, b) for r, g, b in values['part_colors']),
        }
    )
