"""Image, sound and text files to arrays and strings, from their bytes: what data sets and front ends both read."""

from mmgraph.media.decode import MAX_PIXELS, MAX_SAMPLES, Sound, decode_image, decode_sound, decode_text, pixels_of

__all__ = ["MAX_PIXELS", "MAX_SAMPLES", "Sound", "decode_image", "decode_sound", "decode_text", "pixels_of"]
