"""An equation -> its tensor network as SVG."""
