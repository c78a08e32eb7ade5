"""Torch on a GPU: crops cut there, half precision, CUDA graphs, one copy back."""
