"""`python -m datakit`: the command line."""

from datakit.cli import main

if __name__ == "__main__":
    main(prog_name="datakit")
