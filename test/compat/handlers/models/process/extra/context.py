NAME = "the archive's context"
