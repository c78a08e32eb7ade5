"""The part of ``cv_bridge`` that person_mtl uses, in pure Python, for machines without it."""

import cv2
import numpy as np

__all__ = ['CvBridge', 'CvBridgeError']

# encoding -> (dtype, channels)
_LAYOUTS = {
    'rgb8': (np.uint8, 3),
    'bgr8': (np.uint8, 3),
    'rgba8': (np.uint8, 4),
    'bgra8': (np.uint8, 4),
    'mono8': (np.uint8, 1),
    'mono16': (np.uint16, 1),
    '8UC1': (np.uint8, 1),
    '8UC3': (np.uint8, 3),
    '8UC4': (np.uint8, 4),
    'yuv422': (np.uint8, 2),
    'yuv422_yuy2': (np.uint8, 2),
    'bayer_rggb8': (np.uint8, 1),
    'bayer_bggr8': (np.uint8, 1),
    'bayer_gbrg8': (np.uint8, 1),
    'bayer_grbg8': (np.uint8, 1),
}

# OpenCV names a Bayer pattern by its second row and column, ROS by its first.
_TO_BGR = {
    'rgb8': cv2.COLOR_RGB2BGR,
    'rgba8': cv2.COLOR_RGBA2BGR,
    'bgra8': cv2.COLOR_BGRA2BGR,
    'mono8': cv2.COLOR_GRAY2BGR,
    'yuv422': cv2.COLOR_YUV2BGR_UYVY,
    'yuv422_yuy2': cv2.COLOR_YUV2BGR_YUY2,
    'bayer_rggb8': cv2.COLOR_BayerBG2BGR,
    'bayer_bggr8': cv2.COLOR_BayerRG2BGR,
    'bayer_gbrg8': cv2.COLOR_BayerGR2BGR,
    'bayer_grbg8': cv2.COLOR_BayerGB2BGR,
}
_FROM_BGR = {
    'rgb8': cv2.COLOR_BGR2RGB,
    'rgba8': cv2.COLOR_BGR2RGBA,
    'bgra8': cv2.COLOR_BGR2BGRA,
    'mono8': cv2.COLOR_BGR2GRAY,
}


class CvBridgeError(TypeError):
    """A conversion that does not exist."""


def _convert(image, encoding, desired_encoding):
    if desired_encoding in ('passthrough', encoding):
        return image
    if encoding == 'mono16':
        image, encoding = cv2.convertScaleAbs(image, alpha=255 / 65535), 'mono8'
        if desired_encoding == 'mono8':
            return image
    bgr = image if encoding == 'bgr8' else None
    if bgr is None and encoding in _TO_BGR:
        bgr = cv2.cvtColor(image, _TO_BGR[encoding])
    if bgr is not None and desired_encoding == 'bgr8':
        return bgr
    if bgr is not None and desired_encoding in _FROM_BGR:
        return cv2.cvtColor(bgr, _FROM_BGR[desired_encoding])
    raise CvBridgeError(f'[{encoding}] cannot be converted to [{desired_encoding}]')


class CvBridge:
    """Conversion between image messages and OpenCV images."""

    def imgmsg_to_cv2(self, img_msg, desired_encoding='passthrough'):
        """
        Pixels of a ``sensor_msgs/Image``.

        :raises CvBridgeError: for an encoding or a conversion that is not supported.
        """
        if img_msg.encoding not in _LAYOUTS:
            raise CvBridgeError(f'Unrecognized image encoding [{img_msg.encoding}]')
        scalar, channels = _LAYOUTS[img_msg.encoding]
        dtype = np.dtype(scalar).newbyteorder('>' if img_msg.is_bigendian else '<')
        height, width = img_msg.height, img_msg.width
        rows = np.frombuffer(img_msg.data, np.uint8, img_msg.step * height)
        rows = rows.reshape(height, img_msg.step)[:, : width * channels * dtype.itemsize]
        image = np.ascontiguousarray(rows).view(dtype).astype(scalar, copy=False)
        if channels > 1:
            image = image.reshape(height, width, channels)
        return _convert(image, img_msg.encoding, desired_encoding)

    def compressed_imgmsg_to_cv2(self, cmprs_img_msg, desired_encoding='passthrough'):
        """Pixels of a ``sensor_msgs/CompressedImage``; ``None`` when they do not decode."""
        data = np.frombuffer(cmprs_img_msg.data, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if image is None or desired_encoding == 'passthrough':
            return image
        return _convert(image, 'mono8' if image.ndim == 2 else 'bgr8', desired_encoding)
