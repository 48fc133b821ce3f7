"""What the back-ends said last, on disk, and what follows from it: shared by all processes of one machine."""
