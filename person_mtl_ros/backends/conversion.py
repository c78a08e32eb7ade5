"""Where backends get the exported network from: the file given, or one made of a checkpoint."""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from person_mtl_ros.backends.backend import BackendError
from person_mtl_ros.backends.file_cache import cached_file
from person_mtl_ros.backends.sample_crops import sample_crops
from person_mtl_ros.checkpoint import CheckpointError, ModelFile, open_model
from person_mtl_ros.onnx_metadata import graph_digest

# To turn a checkpoint into an exported network.
EXPORT_PACKAGES = ('torch', 'torchvision', 'onnx', 'onnxscript')
REVISION = '4'  # of what is written; another one makes files in the cache stale

logger = logging.getLogger(__name__)


def exported_model(
    model: ModelFile, tasks: Sequence[str], backend: str, runtime: str, device_name: str
) -> ModelFile:
    """
    Find the exported network for a backend.

    A checkpoint is exported and verified when it is first used; the result is kept.

    :param model: exported network or checkpoint.
    :param tasks: heads that are asked for.
    :param backend: key of ``BACKENDS``.
    :param runtime: name of the package that runs it.
    :param device_name: of the processor; precision that is fast and exact enough depends on it.
    :raises BackendError: when a head, or a package to export with, is not there.
    :raises CheckpointError: when the file is damaged.
    """
    if model.export is None:
        model = _export(model, backend, runtime, device_name)
    assert model.export is not None  # for the type
    # Runtimes do not check what they read: OpenVINO ends the process on some damaged files.
    if graph_digest(model.path) != model.export.graph_digest:
        raise CheckpointError(f'{model.path} is damaged; export it again')
    missing = sorted(set(tasks) - set(model.export.tasks))
    if missing:
        raise BackendError(
            f'{model.path} has no head for {", ".join(missing)}; '
            f'it was exported with {", ".join(model.export.tasks)}'
        )
    return model


def check_export_packages(purpose: str) -> None:
    """
    See whether a checkpoint can be exported here.

    :param purpose: begins the message.
    :raises BackendError: naming the packages that are missing.
    """
    missing = [name for name in EXPORT_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise BackendError(
            f'{purpose}, which needs more packages: pip install {" ".join(missing)}; or run '
            '`person-mtl export` on a machine that has them and use its result'
        )


def _export(model: ModelFile, backend: str, runtime: str, device_name: str) -> ModelFile:
    check_export_packages(f'{model.path} is a checkpoint; to run it with {backend} it is exported')

    def write(path: Path) -> None:
        from person_mtl_ros.backends.export import export_checkpoint

        logger.info('exporting %s for %s; the result is kept', model.path, backend)
        crops = sample_crops(model.info.crop)
        export_checkpoint(model.path, path, backend, model.info.tasks, crops)

    key = {
        'checkpoint': model.model_id,
        'revision': REVISION,
        'backend': backend,
        'device': device_name,
        **{name: version(name) for name in (*EXPORT_PACKAGES, runtime)},
    }
    path = cached_file(f'{model.model_id}.onnx', key, write)
    return replace(open_model(path), path=path)
