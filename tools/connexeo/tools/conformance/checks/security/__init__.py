"""Nobody gets in without a token, nobody gets at what belongs to others, and nothing breaks by odd requests."""
