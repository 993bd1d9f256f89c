"""The sixth view: the files of a pipeline, and bringing it up."""
