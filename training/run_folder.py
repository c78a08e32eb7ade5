"""What a training leaves in its folder, and whether it is of the experiment that is asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.config import ExperimentConfig, config_from_json

STATE = 'state.pt'
NETWORK = 'network.safetensors'
RESULTS = 'results.json'  # written last
# What does not change the weights but how often and with what one looks at them.
_FREE = frozenset(
    {
        'workers',
        'report_every',
        'save_every',
        'validate_every',
        'validation',
        'description',
        'expected',
    }
)


class ResumeError(ValueError):
    """A folder with a run of another experiment or one that cannot be read."""


def recipe(config: ExperimentConfig) -> str:
    """All that decides the weights, as text; but for the batches per step."""
    # These are also the processes' affair.
    config = replace(config, optimization=replace(config.optimization, accumulate=1))
    return str([item for item in vars(config).items() if item[0] not in _FREE])


def finished_results(config: ExperimentConfig, out: Path) -> dict[str, Any] | None:
    """
    Read the results of a run that is finished.

    :param config: the experiment that is asked for.
    :param out: folder of the run.
    :returns: None where there are none.
    :raises ResumeError: when they are of another experiment or cannot be read.
    """
    path = out / RESULTS
    if not path.exists():
        return None
    try:
        results: dict[str, Any] = json.loads(path.read_text())
        finished = config_from_json(results['config'])
    except (KeyError, TypeError, ValueError) as error:
        reason = ' '.join(str(error).split())[:200]
        raise ResumeError(
            f'{path} was not written by this version ({reason}); give another --out or remove it'
        ) from error
    if (recipe(finished), finished.optimization.accumulate) != (
        recipe(config),
        config.optimization.accumulate,
    ):
        raise ResumeError(
            f'{path} is of another experiment; give another --out or remove the folder'
        )
    return results
