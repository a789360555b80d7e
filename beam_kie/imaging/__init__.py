"""From the bytes of a file to upright pages, with limits checked before a pixel is decoded."""
