NAME = "the archive's colorsys"
