"""What backends compute in, fastest first."""

# On CPUs, of exported networks.
PRECISIONS = {'openvino': ('bf16', 'fp32'), 'onnx': ('fp32',)}
# Faster still, but only on request: the answers are not quite those of torch, see ``agreement``.
ON_REQUEST = {'openvino': ('int8',)}
# Of both backends for GPUs.
GPU_PRECISIONS = ('fp16', 'fp32')
