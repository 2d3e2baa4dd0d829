"""What is shown of a reader: to whoever asks for it the receipt of their consent, to themselves all that is held."""
