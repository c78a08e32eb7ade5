"""
Files with a network: checkpoints, and what is exported from them for fast runtimes.

A checkpoint is one ``.safetensors`` file with the weights and all that is needed to use them; an
exported network is one ``.onnx`` file with the same description. The header of the file carries
JSON text; nothing is ever unpickled. Reading it needs no torch.
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
from person_mtl_ros.onnx_metadata import read_metadata
from person_mtl_ros.structures import AttributeSpec, ModelInfo

FORMAT = 'person_mtl'  # key of our JSON in the header
FORMAT_VERSION = 1
CHECKPOINT_SUFFIX = '.safetensors'
EXPORTED_SUFFIX = '.onnx'


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint or exported network."""


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

    @property
    def tasks(self) -> tuple[str, ...]:
        """Heads that the network has."""
        return tuple(self.network_params['tasks'])


@dataclass(frozen=True)
class Export:
    """How a network was exported from a checkpoint."""

    model_id: str  # of the checkpoint
    graph_digest: str  # see onnx_metadata; tells a damaged file
    tasks: tuple[str, ...]
    backend: str  # that the results were verified with
    precision: str  # fp32, bf16 or int8: the least that the results were verified with
    agreement: Mapping[str, float]  # with the checkpoint; see backends.agreement
    refused: Mapping[str, str] = field(default_factory=dict)  # faster precisions, and why


@dataclass(frozen=True)
class ModelFile:
    """A file with a network, and what it says about itself."""

    path: Path
    model_id: str  # of the content of the checkpoint; one exported from it keeps it
    info: CheckpointInfo
    export: Export | None = None  # None: a checkpoint


@dataclass(frozen=True)
class Checkpoint(ModelFile):
    """A loaded checkpoint; its tensors are float32 however they were stored."""

    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)


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
    with atomic_path(path) as temporary:
        # safetensors' own save_file gives a file that only its owner can read.
        temporary.write_bytes(save(stored, metadata=header_of(info)))


def header_of(info: CheckpointInfo, export: Export | None = None) -> dict[str, str]:
    """Metadata that a file with a network carries."""
    values = {'format_version': FORMAT_VERSION, **asdict(info)}
    if export:
        values['export'] = asdict(export)
    return {FORMAT: json.dumps(values)}


def open_model(path: Path | str) -> ModelFile:
    """
    Read what a file with a network says about itself, not its weights.

    :param path: ``.safetensors`` checkpoint or exported ``.onnx`` file.
    :raises CheckpointError: naming the file and what is wrong with it.
    """
    path = Path(path)
    header = _read_header(path)
    if FORMAT not in header:
        raise CheckpointError(
            f"checkpoint {path}: a file without '{FORMAT}' in its header; "
            'expected one written by this package'
        )
    try:
        values = json.loads(header[FORMAT])
        version = values.pop('format_version')
        if version <= FORMAT_VERSION:
            export = _export_from_json(values.pop('export', None))
            info = _info_from_json(values)
            return ModelFile(path, export.model_id if export else model_id(path), info, export)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(f'checkpoint {path}: broken header ({error!r})') from error
    raise CheckpointError(
        f'checkpoint {path}: format version {version}; this release reads up to '
        f'{FORMAT_VERSION}, use a newer one'
    )


def load_info(path: Path | str) -> CheckpointInfo:
    """Read only the description of a network, see ``open_model``."""
    return open_model(path).info


def _read_header(path: Path) -> dict[str, str]:
    try:
        if path.suffix == EXPORTED_SUFFIX:
            return read_metadata(path)
        with safe_open(path, framework='numpy') as file:
            return file.metadata() or {}
    except FileNotFoundError as error:
        raise CheckpointError(f'checkpoint {path}: no such file') from error
    except OSError as error:
        raise CheckpointError(f'checkpoint {path}: cannot be read: {error}') from error
    except SafetensorError as error:
        raise CheckpointError(
            f'checkpoint {path}: truncated or not a safetensors file ({error})'
        ) from error
    except ValueError as error:
        raise CheckpointError(f'checkpoint {path}: {error}') from error


def load_checkpoint(path: Path | str) -> Checkpoint:
    """
    Read a checkpoint.

    :param path: ``.safetensors`` file.
    :returns: its description and weights.
    :raises CheckpointError: naming the file and what is wrong with it.
    """
    model = open_model(path)
    path = model.path
    if model.export:
        raise CheckpointError(
            f'checkpoint {path}: exported from one; expected the .safetensors file it came from'
        )
    try:
        with safe_open(path, framework='numpy') as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f'checkpoint {path}: cannot be read: {error}') from error
    for name, tensor in tensors.items():
        if tensor.dtype == np.float16:
            tensors[name] = tensor.astype(np.float32)
    return Checkpoint(path, model.model_id, model.info, tensors=tensors)


def copy_checkpoint(source: Path | str, target: Path, info: CheckpointInfo) -> None:
    """
    Write the weights of a checkpoint, as they are stored, with another description.

    :param source: ``.safetensors`` file.
    :param target: file to write or replace; may be the source.
    :param info: the new description.
    :raises CheckpointError: naming the source and what is wrong with it.
    """
    load_checkpoint(source)
    with safe_open(source, framework='numpy') as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_checkpoint(target, info, tensors)


def model_id(path: Path) -> str:
    """Short name of the content of a file: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def model_info(model: ModelFile) -> ModelInfo:
    """Pick what a reader of the network's outputs needs."""
    info = model.info
    return ModelInfo(
        model_id=model.model_id,
        embedding_dim=info.embedding_dim,
        same_person_threshold=info.same_person_threshold,
        attributes=info.attributes,
        keypoint_names=info.keypoint_names,
        keypoint_edges=info.keypoint_edges,
        part_names=info.part_names,
        part_colors=info.part_colors,
    )


def _export_from_json(values: dict[str, Any] | None) -> Export | None:
    return Export(**{**values, 'tasks': tuple(values['tasks'])}) if values else None


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
