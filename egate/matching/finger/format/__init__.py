"""Finger minutiae templates as other systems write them. `template_format` is the door; a file for each format."""
