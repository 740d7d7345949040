NAME = "the archive's sibling"
