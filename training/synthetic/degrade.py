"""What a camera makes of a scene: exposure, colour cast, blur, noise, compression."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

_MEAN_GRAY = 0.2  # mean linear light of a well exposed picture


@dataclass(frozen=True)
class ImageFormation:
    """Settings of one camera and one moment."""

    exposure: float = 1.0  # relative to what an automatic exposure chooses
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)  # factor per channel R, G, B
    contrast: float = 1.0  # exponent around middle grey
    saturation: float = 1.0
    blur_sigma: float = 0.0  # pixels of the sensor
    motion_blur: float = 0.0  # length, share of the picture's height
    motion_angle: float = 0.0  # radians
    noise: float = 0.0  # standard deviation in grey values of 255
    jpeg_quality: int | None = None  # None = not compressed
    veil: float = 0.0  # stray light that lifts black
    sharpening: float = 0.0  # strength of the halos of an unsharp mask
    vignette: float = 0.0  # light lost in the corners
    defocus: float = 0.0  # blur of what is far behind, share of the picture's height


@dataclass(frozen=True)
class Photography:
    """What cameras may be like; pairs are the ends of a range or mean and spread."""

    resolution: tuple[float, float] = (0.3, 1.5)  # sensor rows per crop row
    exposure_spread: float = 0.25  # of its logarithm
    balance_spread: float = 0.06  # of the logarithm of a channel's gain
    contrast: tuple[float, float] = (0.85, 1.25)
    saturation: tuple[float, float] = (0.6, 1.2)
    blur: tuple[float, float] = (0.3, 0.35)  # mean and spread, pixels of the sensor
    motion_blurred: float = 0.12  # share of pictures
    noise: float = 2.5  # mean, grey values
    jpeg_quality: tuple[int, int] = (30, 96)
    compressed: float = 0.75  # share of cameras
    sharpened: float = 0.2  # share of cameras
    monochrome: float = 0.0  # share of cameras
    shallow: float = 0.0  # share of cameras whose focus leaves out what is far behind

    def sample_shrink(self, rng: np.random.Generator) -> float:
        """Draw the resolution of the sensor relative to the crop; far people are small."""
        low, high = np.log(self.resolution)
        return float(min(1.0, np.exp(rng.uniform(low, high))))


def sample_camera_look(rng: np.random.Generator, photography: Photography) -> ImageFormation:
    """Draw what a camera does to every picture."""
    balance = np.exp(rng.normal(0, photography.balance_spread, 3))
    is_compressed = rng.random() < photography.compressed
    saturation = rng.uniform(*photography.saturation)
    if rng.random() < photography.monochrome:
        saturation = 0.0
    return ImageFormation(
        exposure=float(rng.lognormal(0.0, 0.6 * photography.exposure_spread)),
        white_balance=(float(balance[0]), float(balance[1]), float(balance[2])),
        contrast=float(rng.uniform(*photography.contrast)),
        saturation=float(saturation),
        blur_sigma=float(max(0.0, rng.normal(*photography.blur))),
        noise=float(rng.exponential(photography.noise)),
        jpeg_quality=int(rng.integers(*photography.jpeg_quality)) if is_compressed else None,
        veil=float(max(0.0, rng.normal(0.0, 0.04))),
        sharpening=float(rng.uniform(0.4, 1.6)) if rng.random() < photography.sharpened else 0.0,
        vignette=float(rng.uniform(0.1, 0.5)) if rng.random() < 0.1 else 0.0,
        defocus=float(rng.uniform(0.006, 0.03)) if rng.random() < photography.shallow else 0.0,
    )


def sample_moment(
    rng: np.random.Generator, photography: Photography, camera: ImageFormation
) -> ImageFormation:
    """Draw what differs from picture to picture of a camera: exposure and motion."""
    exposure = camera.exposure * rng.lognormal(0.0, 0.8 * photography.exposure_spread)
    bad_light = rng.random()
    if bad_light < 0.07:
        exposure *= rng.uniform(0.25, 0.5)
    elif bad_light > 0.94:
        exposure *= rng.uniform(1.4, 2.2)
    is_moving = rng.random() < photography.motion_blurred
    return replace(
        camera,
        exposure=float(exposure),
        motion_blur=float(rng.uniform(0.008, 0.03)) if is_moving else 0.0,
        motion_angle=float(rng.normal(0, 0.4)),
    )


def defocus(
    image: NDArray[np.float32], is_far: NDArray[np.bool_], formation: ImageFormation
) -> NDArray[np.float32]:
    """
    Blur what is far behind; what is near keeps its edge and does not bleed into it.

    :param image: (H, W, 3) linear RGB.
    :param is_far: (H, W).
    :param formation: settings.
    """
    sigma = formation.defocus * image.shape[0]
    if sigma < 0.3 or not is_far.any():
        return image
    far = is_far.astype(np.float32)
    share = cv2.GaussianBlur(far, (0, 0), sigma)[..., None]
    blurred = cv2.GaussianBlur(image * far[..., None], (0, 0), sigma) / np.maximum(share, 1e-3)
    return np.where(is_far[..., None], blurred, image)


def develop(
    image: NDArray[np.float32], formation: ImageFormation, mean_light: float | None = None
) -> NDArray[np.uint8]:
    """
    Expose linear light and apply gamma; no blur, noise or compression.

    :param image: (H, W, 3) linear RGB, 1 = white.
    :param formation: settings.
    :param mean_light: what the exposure is set for; the mean of ``image`` by default.
    :returns: (H, W, 3) RGB.
    """
    metered = float(image.mean()) if mean_light is None else mean_light
    exposure = formation.exposure * np.clip(_MEAN_GRAY / max(metered, 1e-6), 0.6, 3.0)
    gain = np.asarray(formation.white_balance, np.float32) * np.float32(exposure)
    light = np.clip(image * gain, 0, None)
    if formation.vignette > 0:
        y, x = (np.linspace(-1, 1, count, dtype=np.float32) for count in image.shape[:2])
        light *= 1 - np.float32(0.5 * formation.vignette) * (y[:, None] ** 2 + x**2)[..., None]
    # A soft shoulder keeps bright cloth from clipping at once.
    light = np.where(light > 0.8, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.35), light)
    display = np.power(light, np.float32(1 / 2.2))
    gray = display.mean(axis=2, keepdims=True)
    display = gray + np.float32(formation.saturation) * (display - gray)
    display = 0.5 + np.float32(formation.contrast) * (display - 0.5)
    display = formation.veil + (1 - formation.veil) * display
    return (255 * np.clip(display, 0, 1) + 0.5).astype(np.uint8)


def _motion_kernel(length: float, angle: float) -> NDArray[np.float32]:
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    reach = 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    for step in np.linspace(-1, 1, 4 * size):
        x, y = np.round(middle + step * reach).astype(int)
        if 0 <= x < size and 0 <= y < size:
            kernel[y, x] = 1
    return kernel / kernel.sum()


def degrade(
    image: NDArray[np.uint8], formation: ImageFormation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """
    Blur, add sensor noise and compress.

    :param image: (H, W, 3) RGB at the resolution of the sensor.
    :param formation: settings.
    :param rng: of the noise.
    """
    streak = formation.motion_blur * image.shape[0]
    picture: NDArray = image
    if streak > 1:
        picture = cv2.filter2D(picture, -1, _motion_kernel(streak, formation.motion_angle))
    if formation.blur_sigma > 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), formation.blur_sigma)
    if formation.sharpening > 0:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        strength = formation.sharpening
        picture = cv2.addWeighted(picture, 1 + strength, soft, -strength, 0)
    if formation.noise > 0.3:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(formation.noise)
        picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    if formation.jpeg_quality is not None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, formation.jpeg_quality]
        _, data = cv2.imencode('.jpg', picture[..., ::-1], quality)
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
    return np.ascontiguousarray(picture, np.uint8)
