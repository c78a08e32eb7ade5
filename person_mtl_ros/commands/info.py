"""Describe a checkpoint or exported network: outputs, training recipe, measured results."""

import argparse
from dataclasses import asdict
from pathlib import Path

from person_mtl_ros.checkpoint import default_checkpoint, open_model
from person_mtl_ros.json_report import write_json_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'weights',
        nargs='?',
        type=Path,
        help='checkpoint (.safetensors) or exported network (.onnx); default: the one shipped',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write it as JSON')


def run(options: argparse.Namespace) -> int:
    """Print the metadata of a checkpoint."""
    path = options.weights or default_checkpoint()
    model = open_model(path)
    description = {'file': path.name, 'model_id': model.model_id, **asdict(model.info)}
    if model.export:
        description['export'] = asdict(model.export)
    if options.json:
        write_json_report(options.json, description)
    for key, value in description.items():
        _print(key, value)
    return 0


def _print(key: str, value: object, indent: str = '') -> None:
    if isinstance(value, dict) and value:
        print(f'{indent}{key}:')
        for name, entry in value.items():
            _print(name, entry, indent + '  ')
    elif key == 'attributes' and isinstance(value, (list, tuple)):
        print(f'{indent}{key}:')
        for spec in value:
            print(f'{indent}  {spec["name"]}: {", ".join(spec["classes"])}')
    elif isinstance(value, (list, tuple)):
        print(f'{indent}{key}: {", ".join(str(entry) for entry in value)}')
    else:
        print(
            f'{indent}{key}: {value:.4g}'
            if isinstance(value, float)
            else f'{indent}{key}: {value}'
        )
