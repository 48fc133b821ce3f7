"""What the federation offers: made of all snapshots by the watch, read by the web workers."""
