"""One build of a site, whoever asks for it."""
