NAME = "the inner module"
