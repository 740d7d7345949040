NAME = "the archive's utils"
