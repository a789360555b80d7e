"""What a run is made of: the network, its labels and tokenizer, the labelled pages; and what is refused."""
