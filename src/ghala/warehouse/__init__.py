"""From delivered files to a built and published warehouse."""
