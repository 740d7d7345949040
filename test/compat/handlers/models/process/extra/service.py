NAME = "the archive's service"
