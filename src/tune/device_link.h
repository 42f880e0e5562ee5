/* device_link: the .link file (systemd.link(5)) that systemd-udevd applies to an interface: one,
 * the first by name in any of its directories, with its drop-ins. */
#pragma once

#include "tune/change.h"
#include "tune/device.h"

#define LINK_DIRECTORY "/etc/systemd/network"
#define LINK_DEFAULT "99-default.link"
#define LINK_PATH 512
#define LINK_REMEDY 400

/* The file that was applied to the interface, by udev's database; "" if none. -EOPNOTSUPP where
 * systemd-udevd did not set the interface up. */
int link_applied(const struct change_site *site, const char *nic, uint32_t index,
		 char path[LINK_PATH], struct err *e);
/* The lines of the [Link] section of the default, which a file before it has to repeat; "" if it is
 * masked. -EOPNOTSUPP if that is not possible. */
int link_policy(const struct change_site *site, char policy[400], struct err *e);
/* A file that names the interface or its address ("": unknown) and that systemd-udevd prefers to
 * the file `own`; "" if none. */
void link_rival(const struct change_site *site, const char *own, const char *nic,
		const char *address, char path[LINK_PATH]);
/* Whether the file or a drop-in of it sets the option. out->value gets the line, without blanks:
 * "RxBufferSize=512". */
bool link_find(struct change_site *site, const char *path, const char *option,
	       struct device_setter *out);
/* How to add a line to what the file sets, so that it stays: a clause. Returns `text`. */
const char *link_remedy(struct change_site *site, const char *path, const char *line,
			char text[LINK_REMEDY]);
