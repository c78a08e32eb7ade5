"""What each backend that runs exported networks computes in, fastest first."""

PRECISIONS = {'openvino': ('bf16', 'fp32'), 'onnx': ('fp32',)}
