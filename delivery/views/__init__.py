"""The desk's pages for sending: one sentence and one button, then the balance line while it goes out."""
