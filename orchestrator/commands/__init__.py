"""The `switchboard` command's sub-commands, a file each."""
