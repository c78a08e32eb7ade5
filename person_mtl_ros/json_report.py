"""Writes what a command found as JSON, for machines."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from person_mtl_ros.atomic_path import atomic_path


def write_json_report(path: Path, report: Mapping[str, Any] | Sequence[Any]) -> None:
    """
    Write a report; the file is whole or not there.

    :raises OSError: when the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps(report, indent=2, allow_nan=False) + '\n', encoding='utf-8'
        )
