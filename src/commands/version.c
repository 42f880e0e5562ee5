#include "commands/command.h"

#include <archive.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <netlink/version.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "host/confine.h"

static int version(void *arguments, const struct given *given)
{
	const char *smartcols = "?";
	scols_get_library_version(&smartcols);
	printf("epolltune %s\n", EPOLLTUNE_VERSION);
	printf("libnl %d.%d.%d (built with %s)\n", nl_ver_maj, nl_ver_min, nl_ver_mic,
	       LIBNL_VERSION);
	printf("jansson %s (built with %s)\n", jansson_version_str(), JANSSON_VERSION);
	printf("%s (built with %s)\n", archive_version_string(), ARCHIVE_VERSION_ONLY_STRING);
	printf("libsmartcols %s (built with %s)\n", smartcols, LIBSMARTCOLS_VERSION);
	struct utsname kernel;
	if (uname(&kernel) == 0)
		printf("%s %s %s\n", kernel.sysname, kernel.release, kernel.machine);
	/* Nothing is left to do: what confines the commands that read files of others is tried. */
	struct err e;
	int means = confine_to_reading(NULL, &e);
	printf("confinement: %s%s\n", means < 0 ? e.text : "seccomp filter",
	       means > 0 && means & CONFINE_LANDLOCK ? ", Landlock" : "");
	return EXIT_OK;
}

const struct command version_command = {
	.name = "version",
	.arguments = "",
	.summary = "Print the versions of epolltune, its libraries and the kernel",
	.options = no_options,
	.run = version,
};
