"""What a trainer will do with the rows of a finished run, told before it is started."""
