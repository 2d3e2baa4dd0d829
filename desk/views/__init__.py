"""The editors' desk: the pages on the way of an issue, over content, people and sending."""
