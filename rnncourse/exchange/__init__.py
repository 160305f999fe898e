"""Parameters from and to other libraries and courses: PyTorch, Keras, ONNX, TensorFlow 1, CS231n, Coursera.

Each module turns layers into arrays in the other's layout, and arrays into layers. What has no counterpart there is
refused, with the reason. To move arrays needs none of these libraries, except for ONNX, whose files are not arrays.
"""

from __future__ import annotations

from . import keras, onnx, orders, pytorch

__all__ = ["keras", "onnx", "orders", "pytorch"]
