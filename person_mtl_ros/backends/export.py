"""From a checkpoint to one ONNX file that runs without torch and gives the same answers."""

import contextlib
import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from person_mtl_ros.atomic_path import atomic_path
from person_mtl_ros.backends import open_backend
from person_mtl_ros.backends.agreement import bounds_of
from person_mtl_ros.backends.backend import AUTO, BackendError
from person_mtl_ros.backends.group_norm import rewrite_group_norms
from person_mtl_ros.backends.precisions import PRECISIONS
from person_mtl_ros.backends.torch_backend import TorchBackend, decoder_of, load_network
from person_mtl_ros.backends.verification import (
    DisagreementError,
    answers_to_batches,
    verified_agreement,
)
from person_mtl_ros.checkpoint import Checkpoint, Export, header_of, load_checkpoint, open_model
from person_mtl_ros.structures import UInt8Array

OPSET = 21  # the first whose GroupNormalization has a scale per channel


def export_checkpoint(
    checkpoint_path: Path,
    out: Path,
    backend: str,
    tasks: Sequence[str],
    crops: UInt8Array,
    precision: str = AUTO,
    calibration: UInt8Array | None = None,
) -> Export:
    """
    Write the network of a checkpoint as ONNX and compare it with torch in fp32.

    :param checkpoint_path: ``.safetensors`` file.
    :param out: ``.onnx`` file to write or replace; untouched when the answers differ.
    :param backend: key of ``PRECISIONS``, runs the comparison.
    :param tasks: heads to export.
    :param crops: (16 or more, 3, H, W) uint8 RGB to compare on, of the size to export.
    :param precision: one of the backend's; ``auto`` takes the fastest of ``PRECISIONS`` whose
        answers agree.
    :param calibration: (N, 3, H, W) uint8 RGB, other crops to find the scales of int8 with.
    :raises DisagreementError: when the answers differ by more than the bounds in ``agreement``.
    :raises BackendError: when a head or the backend is not there.
    """
    checkpoint = load_checkpoint(checkpoint_path)
    crop = replace(checkpoint.info.crop, height=crops.shape[2], width=crops.shape[3])
    checkpoint = replace(checkpoint, info=replace(checkpoint.info, crop=crop))
    model = onnx_from_checkpoint(checkpoint, tasks)
    if precision == 'int8':
        assert calibration is not None  # for the type
        model = _quantized(model, calibration)
    expected = answers_to_batches(TorchBackend(checkpoint, 'cpu', tasks), crops)
    refused: dict[str, str] = {}

    def write_verified(candidate: str) -> Export:
        with atomic_path(out) as temporary:
            export = write_exported(model, checkpoint, backend, candidate, temporary)
            network = open_backend(backend, open_model(temporary), 'cpu', tasks)
            if network.precision != candidate:
                raise DisagreementError(network.remark)
            agreement = verified_agreement(network, expected, crops, bounds_of(candidate))
            export = replace(export, agreement=agreement, refused=refused)
            _set_header(model, checkpoint, export)
            onnx.save(model, temporary)
        return export

    for candidate in PRECISIONS[backend] if precision == AUTO else (precision,):
        try:
            return write_verified(candidate)
        except DisagreementError as error:
            refused[candidate] = str(error)
    reasons = ', '.join(f'{name}: {reason}' for name, reason in refused.items())
    raise DisagreementError(f'{checkpoint_path}: {backend} does not agree with torch in {reasons}')


def onnx_from_checkpoint(checkpoint: Checkpoint, tasks: Sequence[str]) -> onnx.ModelProto:
    """
    Translate a network with its decoder; heads that are not asked for are left out.

    :returns: input ``crops`` (N, 3, H, W) uint8, one output per task as ``Backend.infer`` gives
        it, N free.
    """
    info = checkpoint.info
    network = load_network(checkpoint, tasks)
    decoder = decoder_of(info)
    crops = torch.zeros(2, 3, info.crop.height, info.crop.width, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')  # of torch about itself
            program = torch.onnx.export(
                _Graph(network, decoder, tasks),
                (crops,),
                dynamo=True,
                opset_version=OPSET,
                input_names=['crops'],
                output_names=list(tasks),
                dynamic_shapes=({0: torch.export.Dim('people')},),
                verbose=False,
            )
    except (ImportError, RuntimeError, TypeError) as error:  # TypeError: of an older torch
        reason = ' '.join(str(error).split())[:300]
        raise BackendError(
            f'torch {torch.__version__} cannot export {checkpoint.path}: {reason}'
        ) from error
    assert program is not None  # for the type: None only when it writes a file itself
    model = program.model_proto
    expected = sum(isinstance(module, nn.GroupNorm) for module in network.modules())
    found = rewrite_group_norms(model)
    if found != expected:
        raise BackendError(
            f'torch {torch.__version__} exported {found} of {expected} GroupNorm layers as such; '
            'use torch 2.9 or newer'
        )
    for item in (*model.graph.node, *model.graph.value_info):
        item.ClearField('metadata_props')  # notes of torch with the paths of this machine
    return model


def write_exported(
    model: onnx.ModelProto, checkpoint: Checkpoint, backend: str, precision: str, path: Path
) -> Export:
    """
    Write a network without comparing its answers.

    :param model: of ``onnx_from_checkpoint``; gets the header of the file.
    :param backend: it is meant for.
    :param precision: for that backend to compute in.
    :param path: of the file to write.
    :returns: what the header says about it.
    """
    export = Export(
        model_id=checkpoint.model_id,
        graph_digest=hashlib.sha256(model.graph.SerializeToString()).hexdigest(),
        tasks=tuple(output.name for output in model.graph.output),
        backend=backend,
        precision=precision,
        agreement={},
    )
    _set_header(model, checkpoint, export)
    onnx.save(model, path)
    return export


def _quantized(model: onnx.ModelProto, calibration: UInt8Array) -> onnx.ModelProto:
    try:
        from person_mtl_ros.backends.quantization import quantize
    except ImportError as error:
        raise BackendError(f'int8 needs one more package ({error}): pip install nncf') from error
    return quantize(model, calibration)


class _Graph(nn.Module):
    """Network and decoder with a tuple of outputs."""

    def __init__(self, network: nn.Module, decoder: nn.Module, tasks: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.decoder = decoder
        self.tasks = tasks

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        answers = self.decoder(self.network(crops))
        return tuple(answers[task] for task in self.tasks)


def _set_header(model: onnx.ModelProto, checkpoint: Checkpoint, export: Export) -> None:
    onnx.helper.set_model_props(model, header_of(checkpoint.info, export))
