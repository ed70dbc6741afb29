"""Where the ports meet disks and networks; a host plugs in its own beside these."""
