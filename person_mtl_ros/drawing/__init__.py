"""Pictures of what the system knows; numpy and OpenCV only."""

from person_mtl_ros.drawing.overlay import DrawingParams, draw_tracks

__all__ = ['DrawingParams', 'draw_tracks']
