/* udev: systemd-udevd, which names and sets up interfaces at boot by .link files. */
#pragma once

/* The version of the one that is installed below `root`, which the next boot starts: 252; 0: there
 * is none, as with eudev, or it does not say. */
unsigned udev_version(const char *root);
