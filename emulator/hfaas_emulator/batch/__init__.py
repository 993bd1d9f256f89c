"""AWS Batch: jobs wait in queues until their compute environment has room, then run as containers."""
