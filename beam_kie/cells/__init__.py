"""Tables on pages, such as line items: their cells by row and column. Neither Beam nor models."""
