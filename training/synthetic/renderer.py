"""Draws people in scenery under sun and sky, with all labels of every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic.camera import Camera
from training.synthetic.light import Light
from training.synthetic.mesh import Mesh
from training.synthetic.pinhole import pinhole_of
from training.synthetic.rasterizer import rasterize
from training.synthetic.scenery import Scenery, SceneryView, view_scenery
from training.synthetic.shading import (
    Lighting,
    PeopleMesh,
    Picture,
    Raster,
    SceneryPixels,
    shade,
)
from training.synthetic.shadow_map import shadow_map
from training.synthetic.texture import linear_from_srgb, value_noise

NOISE = value_noise()
_REACH_OF_FEET = 0.32  # metres around a person where the ground is darker


@dataclass(frozen=True)
class Rendering:
    """A picture and what every pixel shows."""

    image: NDArray[np.float32]  # (H, W, 3) linear RGB, 1 = white
    person: NDArray[np.int32]  # (H, W) index into the rendered people, -1 = none
    part: NDArray[np.uint8]  # (H, W) LIP label of that person
    depth: NDArray[np.float32]  # (H, W) metres along the view axis


def render(
    people: Sequence[Mesh],
    scenery: Scenery,
    camera: Camera,
    light: Light,
    size_hw: tuple[int, int],
    scenery_view: SceneryView | None = None,
) -> Rendering:
    """
    Draw a picture.

    :param people: meshes in the world.
    :param scenery: what stands around them.
    :param camera: of the picture.
    :param light: sun and sky.
    :param size_hw: of the picture.
    :param scenery_view: what this camera sees of the scenery, if it is known already.
    """
    view = scenery_view or view_scenery(scenery, camera, size_hw, NOISE)
    raster = _rasterize(people, camera, view.depth)
    picture = Picture(
        image=np.empty((*size_hw, 3), np.float32),
        person=np.empty(size_hw, np.int32),
        part=np.empty(size_hw, np.uint8),
    )
    sky = linear_from_srgb(scenery.sky) * (light.sky.mean() + 0.35 * light.sun.mean())
    pixels = SceneryPixels(view.material, view.normal, view.color, scenery.materials, sky)
    lighting = _lighting(people, light)
    shade(pinhole_of(camera), pixels, _joined(people), raster, lighting, NOISE, picture)
    return Rendering(*picture, raster.depth)


def _rasterize(people: Sequence[Mesh], camera: Camera, scenery_depth: NDArray) -> Raster:
    """Draw people before the scenery; their faces are numbered on, see :func:`_joined`."""
    size_hw = scenery_depth.shape
    raster = Raster(
        depth=scenery_depth.copy(),
        face=np.full(size_hw, -1, np.int32),
        weights=np.zeros((*size_hw, 2), np.float32),
    )
    first_face = 0
    for mesh in people:
        rasterize(camera.project(mesh.vertices), mesh.faces, first_face, *raster)
        first_face += len(mesh.faces)
    return raster


def _joined(people: Sequence[Mesh]) -> PeopleMesh:
    """Put the meshes of all people into one."""
    vertex_start, material_start = 0, 0
    faces, materials, persons = [], [], []
    for index, mesh in enumerate(people):
        faces.append(mesh.faces + vertex_start)
        materials.append(mesh.face_material + material_start)
        persons.append(np.full(len(mesh.faces), index, np.int32))
        vertex_start += len(mesh.vertices)
        material_start += len(mesh.materials)

    def joined(pieces: list[NDArray], empty: tuple[int, ...], dtype: type) -> NDArray:
        return np.concatenate(pieces) if pieces else np.zeros(empty, dtype)

    return PeopleMesh(
        normals=joined([mesh.normals for mesh in people], (0, 3), np.float32),
        uv=joined([mesh.uv for mesh in people], (0, 2), np.float32),
        faces=joined(faces, (0, 3), np.int32),
        face_material=joined(materials, (0,), np.int32),
        face_part=joined([mesh.face_part for mesh in people], (0,), np.uint8),
        face_person=joined(persons, (0,), np.int32),
        materials=joined([mesh.materials for mesh in people], (0, 13), np.float32),
    )


def _lighting(people: Sequence[Mesh], light: Light) -> Lighting:
    feet = [(*mesh.vertices[:, :2].mean(axis=0), _REACH_OF_FEET) for mesh in people]
    return Lighting(
        colors=np.stack([light.sun_direction, light.sun, light.sky, light.bounce]),
        shadows=shadow_map(people, light),
        feet=np.array(feet, float).reshape(-1, 3),
    )
