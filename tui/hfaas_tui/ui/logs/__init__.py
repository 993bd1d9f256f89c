"""Log lines: kept in a file of their own, read where they are looked at, filtered in a process that can be killed."""
