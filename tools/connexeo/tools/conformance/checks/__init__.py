"""The checks, by area. Each module registers its own when it is imported; see ``registry``."""
