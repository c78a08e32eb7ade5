"""What each backend that runs exported networks computes in, fastest first."""

PRECISIONS = {'openvino': ('bf16', 'fp32'), 'onnx': ('fp32',)}
# Faster still, but only on request: the answers are not quite those of torch, see ``agreement``.
ON_REQUEST = {'openvino': ('int8',)}
