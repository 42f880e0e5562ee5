/* layer: whose file a path of a machine names, as sysctl.d(5), systemd.unit(5) and systemd.link(5)
 * have it. */
#pragma once

#include <string.h>

enum file_layer {
	LAYER_ETC,     /* the administrator's */
	LAYER_RUN,     /* a program's, until the next boot */
	LAYER_SHIPPED, /* a package's, which its update replaces */
	LAYER_OTHER,
};

static inline enum file_layer file_layer(const char *file)
{
	if (!strncmp(file, "/etc/", 5))
		return LAYER_ETC;
	if (!strncmp(file, "/run/", 5))
		return LAYER_RUN;
	return !strncmp(file, "/usr/", 5) || !strncmp(file, "/lib/", 5) ? LAYER_SHIPPED
									: LAYER_OTHER;
}
