"""Opens data sets by the name and options of an experiment file."""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from person_mtl_ros.crops import CropParams
from training.datasets.cihp import Cihp
from training.datasets.coco import CocoKeypoints
from training.datasets.crop_folder import CropFolder
from training.datasets.lip import Lip
from training.datasets.market1501 import Market1501
from training.datasets.mpii import Mpii
from training.datasets.pa100k import Pa100k
from training.datasets.rendered import RenderedDataset
from training.datasets.sample import DatasetError, PersonDataset

DATASETS: dict[str, type[PersonDataset]] = {
    'cihp': Cihp,
    'coco': CocoKeypoints,
    'crops': CropFolder,
    'lip': Lip,
    'market1501': Market1501,
    'mpii': Mpii,
    'pa100k': Pa100k,
    'rendered': RenderedDataset,
}
# What the network and the augmentation decide, not the options of a data set.
_FROM_OUTSIDE = ('crop', 'margin')


def create_dataset(
    name: str, options: Mapping[str, Any], crop: CropParams, margin: float = 1.0
) -> PersonDataset:
    """
    Open a data set.

    :param name: key of ``DATASETS``.
    :param options: parameters of its class as in YAML: paths are strings.
    :param crop: of the network; people are cut for it.
    :param margin: that of the augmentation policy, for data sets that have images around people.
    :raises DatasetError: for a name or option that does not exist, or files that are missing.
    """
    if name not in DATASETS:
        raise DatasetError(f"data set '{name}': expected one of {', '.join(sorted(DATASETS))}")
    loader = DATASETS[name]
    try:
        checked = _options_model(loader)(**options)
    except ValidationError as error:
        first = error.errors()[0]
        place = '.'.join(str(part) for part in first['loc'])
        known = ', '.join(parameter.name for parameter in _options_of(loader))
        raise DatasetError(
            f"data set '{name}': option {place}: {first['msg']}; options are {known}"
        ) from error
    outside = {'crop': crop, 'margin': margin}
    accepted = {key: outside[key] for key in _FROM_OUTSIDE if key in signature(loader).parameters}
    return loader(**dict(checked), **accepted)


def _options_of(loader: type[PersonDataset]) -> list[Parameter]:
    parameters = signature(loader).parameters.values()
    return [parameter for parameter in parameters if parameter.name not in _FROM_OUTSIDE]


def _options_model(loader: type[PersonDataset]) -> type[BaseModel]:
    hints = get_type_hints(loader.__init__)
    fields: dict[str, Any] = {
        parameter.name: (
            hints[parameter.name],
            ... if parameter.default is Parameter.empty else parameter.default,
        )
        for parameter in _options_of(loader)
    }
    return create_model(loader.__name__, __config__=ConfigDict(extra='forbid'), **fields)
