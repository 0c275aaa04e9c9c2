"""marketing/segmentation."""
