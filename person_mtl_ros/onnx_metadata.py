"""
What is outside the graph of an ONNX file, read without any ONNX package.

An ONNX file is one protobuf message. Only its outermost fields are walked; what is inside the
graph is skipped. (https://protobuf.dev/programming-guides/encoding)
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

GRAPH, METADATA_PROPS = 7, 14  # fields of ModelProto
KEY, VALUE = 1, 2  # fields of StringStringEntryProto
VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5  # wire types


def read_metadata(path: Path) -> dict[str, str]:
    """
    Read ``metadata_props``.

    :param path: ONNX file.
    :raises OSError: when the file cannot be read.
    :raises ValueError: when it is truncated or no ONNX file.
    """
    size = path.stat().st_size
    metadata = {}
    with path.open('rb') as file:
        for number, begin, end in _fields(file, size):
            if number == METADATA_PROPS:
                entry = {}
                for key, value_begin, value_end in list(_fields(file, end, begin)):
                    file.seek(value_begin)
                    entry[key] = file.read(value_end - value_begin).decode()
                metadata[entry.get(KEY, '')] = entry.get(VALUE, '')
    return metadata


def graph_digest(path: Path) -> str:
    """
    SHA-256 of the graph with its weights, in hex; metadata does not count.

    :param path: ONNX file.
    :raises OSError: when the file cannot be read.
    :raises ValueError: when it is truncated or no ONNX file.
    """
    digest = hashlib.sha256()
    with path.open('rb') as file:
        for number, begin, end in list(_fields(file, path.stat().st_size)):
            if number == GRAPH:
                file.seek(begin)
                digest.update(file.read(end - begin))
    return digest.hexdigest()


def _fields(file: BinaryIO, end: int, begin: int = 0) -> Iterator[tuple[int, int, int]]:
    """Fields of a message that spans [begin, end): their numbers and the spans of contents."""
    position = begin
    while position < end:
        file.seek(position)
        number, wire_type = divmod(_varint(file), 8)
        if number == 0:
            raise ValueError('not an ONNX file')
        if wire_type == LENGTH:
            length = _varint(file)
            start = file.tell()
        else:
            start = file.tell()
            if wire_type == VARINT:
                _varint(file)
                length = file.tell() - start
            elif wire_type in (FIXED_64, FIXED_32):
                length = 8 if wire_type == FIXED_64 else 4
            else:
                raise ValueError('not an ONNX file')
        position = start + length
        if position > end:
            raise ValueError('truncated or not an ONNX file')
        yield number, start, position


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError('truncated or not an ONNX file')
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError('not an ONNX file')
