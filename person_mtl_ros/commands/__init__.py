"""One module per subcommand of ``person-mtl``: its arguments and what it does."""
