"""Files to frames and back: reading, writing, resizing, contact sheets. The only folder that knows about codecs."""
