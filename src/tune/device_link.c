#include "tune/device_link.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/layer.h"
#include "base/text.h"
#include "epolltune/cleanup.h"
#include "tune/site.h"

/* The version of systemd whose systemd.link(5) has drop-ins; those before ignore them. */
#define DROPINS_SINCE 249
#define NAME_MAX_SHOWN 80

/* The first has the highest rank: it hides files of the same name in the others. */
static const char *const directories[] = {LINK_DIRECTORY, "/run/systemd/network",
					  "/usr/local/lib/systemd/network",
					  "/usr/lib/systemd/network", "/lib/systemd/network"};
#define DIRECTORIES (sizeof(directories) / sizeof(*directories))

/* In the database the key of an interface is "n" and its index. */
int link_applied(const struct change_site *site, const char *nic, uint32_t index,
		 char path[LINK_PATH], struct err *e)
{
	static const char key[] = "E:ID_NET_LINK_FILE=";
	char entry[64], line[LINK_PATH];
	path[0] = 0;
	snprintf(entry, sizeof(entry), "/run/udev/data/n%u", index);
	CLEAN(close_file) FILE *in = site_open(site, entry, "");
	if (!in)
		return err_set(e, EOPNOTSUPP,
			       "%s: systemd-udevd, which reads the files, did not set it up "
			       "(%s is missing)",
			       nic, entry);
	while (fgets(line, sizeof(line), in))
		if (!strncmp(line, key, strlen(key)))
			snprintf(path, LINK_PATH, "%.*s", (int)strcspn(line + strlen(key), "\n"),
				 line + strlen(key));
	return 0;
}

int link_policy(const struct change_site *site, char policy[400], struct err *e)
{
	char line[256];
	bool inside = false;
	size_t used = 0;
	CLEAN(close_file) FILE *in = NULL;
	for (size_t i = 0; i < DIRECTORIES && !in; i++)
		in = site_open(site, directories[i], "/" LINK_DEFAULT);
	while (in && fgets(line, sizeof(line), in)) {
		if (*line == '[')
			inside = !strncmp(line, "[Link]", 6);
		else if (inside && strchr(line, '='))
			used += (size_t)snprintf(policy + used, 400 - used, "%s%s", line,
						 strchr(line, '\n') ? "" : "\n");
		if (used >= 400)
			return err_set(e, EOPNOTSUPP,
				       LINK_DEFAULT
				       " has a long [Link] section: write a .link file "
				       "of your own that has its lines too");
	}
	for (size_t i = 0; i < DIRECTORIES; i++) {
		CLEAN(close_file)
		FILE *more = site_open(site, directories[i], "/" LINK_DEFAULT ".d");
		if (more)
			return err_set(
				e, EOPNOTSUPP,
				"%s/" LINK_DEFAULT ".d extends the default, which a file of "
				"epolltune would replace: write a .link file of your own that "
				"has its lines too",
				directories[i]);
	}
	return 0;
}

/* Whether a .link file names the interface or its address. */
static bool names_it(int dir, const char *file, const char *nic, const char *address)
{
	char text[16384], name[NIC_NAME + 16];
	CLEAN(close_fd) int fd = openat(dir, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = 0;
	snprintf(name, sizeof(name), "OriginalName=%s\n", nic);
	return strstr(text, name) || (*address && strcasestr(text, address));
}

void link_rival(const struct change_site *site, const char *own, const char *nic,
		const char *address, char path[LINK_PATH])
{
	path[0] = 0;
	for (size_t i = 0; i < DIRECTORIES && !path[0]; i++) {
		char directory[400];
		snprintf(directory, sizeof(directory), "%.300s%s", site->root, directories[i]);
		CLEAN(close_directory) DIR *list = opendir(directory);
		const struct dirent *entry;
		while (list && !path[0] && (entry = readdir(list))) {
			const char *name = entry->d_name;
			if (text_ends(name, strlen(name), ".link") && strcmp(name, own) < 0 &&
			    strlen(name) < NAME_MAX_SHOWN &&
			    names_it(dirfd(list), name, nic, address))
				snprintf(path, LINK_PATH, "%s/%.80s", directories[i], name);
		}
	}
}

/* Keeps the last line of the [Link] section that sets the option. */
static void read_link(const struct change_site *site, const char *path, const char *option,
		      struct device_setter *out)
{
	char line[256], value[200];
	bool inside = false;
	size_t n = strlen(option);
	CLEAN(close_file) FILE *in = site_open(site, path, "");
	for (unsigned at = 1; in && fgets(line, sizeof(line), in); at++) {
		if (*line == '[')
			inside = !strncmp(line, "[Link]", 6);
		if (!inside || strncmp(line, option, n) != 0 ||
		    sscanf(line + n, " = %199[^\r\n]", value) != 1)
			continue;
		for (size_t end = strlen(value); end && isblank((unsigned char)value[end - 1]);)
			value[--end] = 0;
		snprintf(out->file, sizeof(out->file), "%s", path);
		snprintf(out->value, sizeof(out->value), "%s=%s", option, value);
		out->line = at;
	}
}

/* The drop-in after `last` in the order of names; false: none. */
static bool next_dropin(const struct change_site *site, const char *file, char last[NAME_MAX_SHOWN],
			char path[LINK_PATH])
{
	char next[NAME_MAX_SHOWN] = "";
	for (size_t i = 0; i < DIRECTORIES; i++) {
		char directory[LINK_PATH];
		snprintf(directory, sizeof(directory), "%.300s%s/%.80s.d", site->root,
			 directories[i], file);
		CLEAN(close_directory) DIR *list = opendir(directory);
		const struct dirent *entry;
		while (list && (entry = readdir(list))) {
			const char *name = entry->d_name;
			if (!text_ends(name, strlen(name), ".conf") ||
			    strlen(name) >= sizeof(next) || strcmp(name, last) <= 0 ||
			    (next[0] && strcmp(name, next) >= 0))
				continue;
			snprintf(next, sizeof(next), "%s", name);
			snprintf(path, LINK_PATH, "%s/%.80s.d/%s", directories[i], file, next);
		}
	}
	memcpy(last, next, sizeof(next));
	return next[0];
}

bool link_find(struct change_site *site, const char *path, const char *option,
	       struct device_setter *out)
{
	char last[NAME_MAX_SHOWN] = "", dropin[LINK_PATH];
	const char *file = basename(path);
	out->file[0] = 0;
	read_link(site, path, option, out);
	while (*file && site_udev(site) >= DROPINS_SINCE && next_dropin(site, file, last, dropin))
		read_link(site, dropin, option, out);
	return out->file[0];
}

const char *link_remedy(struct change_site *site, const char *path, const char *line,
			char text[LINK_REMEDY])
{
	const char *file = basename(path);
	const char *lost = file_layer(path) != LAYER_RUN
				   ? "it is replaced by an update of its package"
				   : "it is made again at each boot";
	if (file_layer(path) == LAYER_ETC)
		snprintf(text, LINK_REMEDY, "add %s to the [Link] section there", line);
	else if (site_udev(site) >= DROPINS_SINCE)
		snprintf(text, LINK_REMEDY,
			 "%s, so add a drop-in: sudo mkdir -p " LINK_DIRECTORY
			 "/%.80s.d && printf '[Link]\\n%s\\n' | sudo tee -a " LINK_DIRECTORY
			 "/%.80s.d/90-epolltune.conf",
			 lost, file, line, file);
	else
		snprintf(text, LINK_REMEDY,
			 "%s, so copy it to " LINK_DIRECTORY
			 "/%.80s, which replaces it, and add %s to its [Link] section",
			 lost, file, line);
	return text;
}
