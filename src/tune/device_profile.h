/* device_profile: settings of an interface in the configuration of the network. A program sets them
 * when it brings the interface up, after systemd-udevd:
 *
 *	- NetworkManager by its active profile: [ethtool] ring-rx=512 (nm-settings-keyfile(5));
 *	- network-scripts, NetworkManager and wicked by ETHTOOL_OPTS or ETHTOOL_OPTIONS of an ifcfg
 *	  file: "-G eth0 rx 512";
 *	- ifupdown by hardware-dma-ring-rx of interfaces(5), with the script of the package ethtool.
 */
#pragma once

#include "tune/change.h"
#include "tune/device.h"

/* Whether one sets it at the next boot; otherwise `out` stays as it is. `wanted`: the value that
 * its remedy sets. */
bool device_profile_find(const struct change_site *site, const struct device_name *d,
			 uint32_t index, const char *wanted, struct device_setter *out);
