"""Tables of a run in other forms than Parquet: text, Excel, and what databases need to read them."""
