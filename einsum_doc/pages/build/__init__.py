"""One build of a site: read, run, render and judge its pages."""
