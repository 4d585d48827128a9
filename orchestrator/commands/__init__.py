"""The sub-commands of `switchboard`, one file each."""
