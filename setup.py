"""Plain ``pip install .``: the core and the command, without ROS nodes and messages."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

TORCH = ['torch>=2.9', 'torchvision>=0.24']
package = ElementTree.parse(Path(__file__).parent / 'package.xml').getroot()

setup(
    name='person_mtl_ros',
    version=package.findtext('version'),
    description=' '.join(package.findtext('description', '').split()),
    license=package.findtext('license'),
    python_requires='>=3.10',
    packages=find_packages(include=['person_mtl_ros', 'person_mtl_ros.*']),
    package_data={'person_mtl_ros': ['weights/*', 'demo_clip/*', 'demo_clip/*/*']},
    install_requires=[
        'matplotlib>=3.5',
        'numpy>=1.23',
        'opencv-python>=4.5.5,<5',
        'PyYAML',
        'rosbags>=0.10',
        'safetensors>=0.4',
        'scipy>=1.9',
        'tabulate',
        'tqdm',
        'trackeval>=1.3',
    ],
    # One per backend, and what turns a checkpoint into an exported network.
    extras_require={
        'torch': TORCH,
        'onnx': ['onnx>=1.16', 'onnxruntime>=1.19'],
        'openvino': ['openvino>=2025.0'],
        'tensorrt': [
            'tensorrt>=10.0',
            'cuda-bindings[all]>=12.8',
            'onnx>=1.16',
            'onnxruntime>=1.19',
        ],
        'export': [*TORCH, 'onnx>=1.16', 'onnxscript>=0.5'],
        'int8': ['nncf>=3.0', 'onnxruntime>=1.19'],
    },
)
