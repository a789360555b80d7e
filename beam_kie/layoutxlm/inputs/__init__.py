"""What the network reads of a page: tokens, boxes, strips of lines, thumbnails; windows and batches."""
