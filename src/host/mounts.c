#include "host/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"

#define OVERLAYS 8
#define RAMDISK 1 /* the major number of /dev/ram0 */

/* Copies what ends at a byte of `stops`; it has blanks and backslashes as "\040" and "\134".
 * Returns its end. */
static const char *copy(const char *at, const char *stops, char *out, size_t size)
{
	const char *end = at + strcspn(at, stops);
	size_t n = 0;
	while (at < end && n < size - 1) {
		bool escape = at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' &&
			      at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
		if (escape)
			out[n++] = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
		else
			out[n++] = *at;
		at += escape ? 4 : 1;
	}
	out[n] = 0;
	return end;
}

/* Takes a field. */
static void take(const char **line, char *out, size_t size)
{
	const char *end = copy(*line, " \n", out, size);
	*line = end + (*end == ' ');
}

/* The upper directory among the options of an overlay, which may be longer than any field. */
static void take_upper(const char *options, char out[PATH_MAX])
{
	static const char key[] = ",upperdir=";
	const char *at = memmem(options, strcspn(options, " \n"), key, strlen(key));
	out[0] = 0;
	if (at)
		copy(at + strlen(key), ", \n", out, PATH_MAX);
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL…] - TYPE SOURCE OPTIONS" */
static bool mount_parse(const char *line, struct mount *out)
{
	unsigned major, minor;
	int used = 0;
	char word[8];
	if (sscanf(line, "%u %*u %u:%u %n", &out->id, &major, &minor, &used) != 3 || !used)
		return false;
	out->device = makedev(major, minor);
	line += used;
	take(&line, out->root, sizeof(out->root));
	take(&line, out->point, sizeof(out->point));
	do
		take(&line, word, sizeof(word));
	while (strcmp(word, "-") != 0 && *line && *line != '\n');
	take(&line, out->type, sizeof(out->type));
	take(&line, word, sizeof(word));
	take_upper(line, out->upper);
	take(&line, out->options, sizeof(out->options));
	return true;
}

bool mounts_next(const char **at, struct mount *out)
{
	bool found = false;
	while (**at && !found) {
		found = mount_parse(*at, out);
		*at += strcspn(*at, "\n");
		*at += **at == '\n';
	}
	return found;
}

/* Whether a path is the mount point or below it. */
static bool is_below(const char *path, const char *point)
{
	size_t n = strlen(point);
	if (n && point[n - 1] == '/')
		n--; /* of "/" */
	return strncmp(path, point, n) == 0 && (!path[n] || path[n] == '/');
}

/* The mount that has a path; of several at one point the last is on top. */
static bool find_mount(const char *text, const char *path, struct mount *out)
{
	struct mount m;
	bool found = false;
	while (mounts_next(&text, &m))
		if (is_below(path, m.point) && (!found || strlen(m.point) >= strlen(out->point))) {
			*out = m;
			found = true;
		}
	return found;
}

static bool is_in_memory(const struct mount *m)
{
	static const char *const types[] = {"tmpfs", "ramfs", "rootfs"};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(m->type, types[i]) == 0)
			return true;
	return major(m->device) == RAMDISK;
}

/* Whether a parameter of the kernel's command line begins with one of the words: where such a word
 * ends with "=" or ":", with any value. */
static bool has_parameter(const char *cmdline, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);
		bool open = strchr("=:.", (*words)[n - 1]);
		for (const char *at = cmdline; (at = strstr(at, *words)); at += n)
			if ((at == cmdline || strchr(" \n", at[-1])) &&
			    (open || strchr(" \n", at[n])))
				return true;
	}
	return false;
}

static bool is_live(const char *cmdline)
{
	/* live-boot(7), casper(7), dracut.cmdline(7), kernel-command-line(7), Arch Linux'
	 * mkinitcpio- archiso, Fedora CoreOS, Raspberry Pi OS. */
	static const char *const live[] = {"boot=live",
					   "boot=casper",
					   "boot=overlay",
					   "rd.live.image",
					   "rd.live.ram",
					   "root=live:",
					   "archisobasedir=",
					   "overlayroot=tmpfs",
					   "coreos.live.",
					   "coreos.liveiso=",
					   "systemd.volatile=overlay",
					   "systemd.volatile=yes",
					   NULL};
	static const char *const kept[] = {
		"persistence", "persistent", "persistent=", "rd.live.overlay=",
		"cow_device=", "cow_label=", NULL};
	return has_parameter(cmdline, live) && !has_parameter(cmdline, kept);
}

/* Overlays may lie on each other. Of a live system neither the upper directory nor what is below a
 * snapshot need be among the mounts. */
bool mounts_volatile(const char *text, const char *cmdline, const char *path, char type[32])
{
	struct mount m, below;
	if (!find_mount(text, path, &m))
		return false;
	snprintf(type, 32, "%s", m.type);
	if (!strcmp(m.point, "/") && is_live(cmdline))
		return true;
	for (int depth = 0; m.upper[0] && depth < OVERLAYS; depth++) {
		if (!find_mount(text, m.upper, &below) || below.id == m.id)
			return false;
		m = below;
	}
	return is_in_memory(&m);
}

bool host_is_volatile(const struct host *h, const char *path, char type[32])
{
	CLEAN(free_pointer) char *text = NULL, *cmdline = NULL;
	if (host_read_all(h, "proc/self/mountinfo", &text, NULL) <= 0)
		return false;
	bool known = host_read_all(h, "proc/cmdline", &cmdline, NULL) > 0;
	return mounts_volatile(text, known ? cmdline : "", path, type);
}
