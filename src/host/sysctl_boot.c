#include "host/sysctl_boot.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kernel_number.h"
#include "base/layer.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob.h"
#include "epolltune/sysctls.h"
#include "host/machine.h"
#include "host/modules.h"

#define TUNED_ACTIVE "etc/tuned/active_profile"
#define TUNED_LATER "etc/tuned/post_loaded_profile"
#define TUNED_DEPTH 8 /* of profiles that include others */
#define TUNED_NAMES ", \t\n"

/* The last assignment of the knob in the text; false: none. */
static bool take(const char *text, size_t length, const char *name, struct sysctl_setting *out)
{
	struct sysctl_line line;
	if (!sysctl_d_line(text, length, &line) || line.exclude || !sysctl_same(line.name, name))
		return false;
	memcpy(out->value, line.value, sizeof(out->value));
	return true;
}

/* TuneD and the kernel, of its command line, take the quotes around a value away, other than
 * sysctl.d. */
static void quotes_strip(char *value)
{
	size_t length = strlen(value);
	if (length < 2 || !strchr("\"'", *value) || value[length - 1] != *value)
		return;
	memmove(value, value + 1, length - 2);
	value[length - 2] = 0;
}

/* The end of a parameter of the kernel's command line, which may have blanks in quotes:
 * lib/cmdline.c, next_arg(). */
static size_t parameter_length(const char *at)
{
	bool quoted = false;
	size_t n = 0;
	for (; at[n] && (quoted || !strchr(" \n", at[n])); n++)
		quoted ^= at[n] == '"';
	return n;
}

/* The parameters behind "--" are those of process 1. */
static bool find_cmdline(const struct host *h, const char *name, struct sysctl_setting *out)
{
	static const char key[] = "sysctl";
	const size_t prefix = strlen(key) + 1; /* with "." or "/" */
	CLEAN(free_pointer) char *text = NULL;
	bool found = false;
	if (host_read_all(h, "proc/cmdline", &text, NULL) < 0)
		return false;
	for (char *at = text; *(at += strspn(at, " \n"));) {
		size_t length = parameter_length(at);
		bool last = !at[length];
		at[length] = 0;
		if (!strcmp(at, "--"))
			break;
		char *word = at + (*at == '"');
		if (word > at && length > 1 && at[length - 1] == '"')
			at[length - 1] = 0;
		if (!strncmp(word, key, strlen(key)) && strchr("./", word[strlen(key)]) &&
		    strlen(word) > prefix && take(word + prefix, strlen(word + prefix), name, out))
			found = true;
		at += length + !last;
	}
	if (found) {
		quotes_strip(out->value);
		snprintf(out->file, sizeof(out->file), "/proc/cmdline");
		out->line = 1;
	}
	return found;
}

struct tuned {
	const struct host *host;
	const char *name; /* NULL: any, or a section of such names */
	struct sysctl_setting *out;
	unsigned depth;
};

static enum sysctl_boot find_profiles(struct tuned *t, char *names);

/* The text of a profile, of the first directory that has it. */
static char *read_profile(struct tuned *t, const char *profile)
{
	static const char *const directories[] = {"etc/tuned/profiles", "etc/tuned",
						  "usr/lib/tuned/profiles", "usr/lib/tuned"};
	char path[300], *text = NULL;
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		snprintf(path, sizeof(path), "%s/%.200s/tuned.conf", directories[i], profile);
		snprintf(t->out->file, sizeof(t->out->file), "/%s", path);
		if (host_read_all(t->host, path, &text, NULL) >= 0)
			return text;
	}
	return NULL;
}

/* What an option of the section says that begins at `at`; NULL: it does not have it. */
static const char *section_option(const char *at, const char *name)
{
	size_t n = strlen(name);
	for (at += strcspn(at, "\n"); *at && at[1] != '['; at += strcspn(at, "\n")) {
		const char *value = ++at;
		if (strncmp(at, name, n) != 0)
			continue;
		value += n + strspn(at + n, " \t");
		if (*value == '=')
			return value + 1 + strspn(value + 1, " \t");
	}
	return NULL;
}

static bool is_on(const char *value)
{
	return !strchr("0nNfF", *value) && strncasecmp(value, "of", 2) != 0;
}

enum section { SECTION_OTHER, SECTION_SYSCTL, SECTION_CONDITIONAL };

/* One that has a name of its own says its type. */
static enum section section_of(const char *at)
{
	static const char sysctl[] = "sysctl";
	const char *type = section_option(at, "type"), *enabled = section_option(at, "enabled");
	const char *is = type ? type : at + 1;
	if (strncmp(is, sysctl, strlen(sysctl)) != 0 || !strchr("] \t\n", is[strlen(sysctl)]) ||
	    (enabled && !is_on(enabled)))
		return SECTION_OTHER;
	return section_option(at, "uname_regex") || section_option(at, "cpuinfo_regex")
		       ? SECTION_CONDITIONAL
		       : SECTION_SYSCTL;
}

/* A profile's own lines override those of the profiles that it includes. */
static enum sysctl_boot find_profile(struct tuned *t, const char *profile)
{
	CLEAN(free_pointer) char *text = read_profile(t, profile);
	char includes[256] = "";
	enum section section = SECTION_OTHER;
	bool found = false, known = true, first = false;
	if (!text)
		return SYSCTL_BOOT_UNKNOWN;
	unsigned number = 0;
	for (const char *at = text; *at; at += *at == '\n') {
		size_t length = strcspn(at, "\n");
		number++;
		if (*at == '[') {
			first = !strncmp(at, "[main]", 6);
			section = section_of(at);
		} else if (first && strncmp(at, "include", 7) == 0)
			snprintf(includes, sizeof(includes), "%.*s",
				 (int)(length - strcspn(at, "=")), at + strcspn(at, "="));
		else if (t->name && section && take(at, length, t->name, t->out)) {
			quotes_strip(t->out->value);
			found = true;
			known &= section == SECTION_SYSCTL;
			t->out->line = number;
		}
		found |= !t->name && section;
		at += length;
	}
	if (found)
		return known ? SYSCTL_BOOT_SET : SYSCTL_BOOT_UNKNOWN;
	return includes[0] ? find_profiles(t, includes + 1) : SYSCTL_BOOT_NONE;
}

/* Of several profiles the last that sets it wins. */
static enum sysctl_boot find_profiles(struct tuned *t, char *names)
{
	enum sysctl_boot result = SYSCTL_BOOT_NONE;
	char *save = NULL;
	struct sysctl_setting set = {0};
	if (++t->depth > TUNED_DEPTH)
		return SYSCTL_BOOT_UNKNOWN;
	for (char *one = strtok_r(names, TUNED_NAMES, &save); one;
	     one = strtok_r(NULL, TUNED_NAMES, &save)) {
		enum sysctl_boot by = find_profile(t, one);
		if (by != SYSCTL_BOOT_NONE) {
			result = by;
			set = *t->out;
		}
	}
	if (result != SYSCTL_BOOT_NONE)
		*t->out = set;
	t->depth--;
	return result;
}

/* What TuneD makes of ">N" and "<N", which set a value only if that raises or lowers it. */
static enum sysctl_boot modifier_settle(char *value, const char *before)
{
	int64_t to, from;
	char sign = *value;
	if ((sign != '>' && sign != '<') || !value[1])
		return SYSCTL_BOOT_SET;
	memmove(value, value + 1, strlen(value));
	if (!kernel_number(value, "", &to) || !before || !kernel_number(before, "", &from))
		return SYSCTL_BOOT_UNKNOWN;
	return (sign == '>' ? to > from : to < from) ? SYSCTL_BOOT_SET : SYSCTL_BOOT_NONE;
}

enum sysctl_boot tuned_find(const struct host *h, const char *name, const char *before,
			    struct sysctl_setting *out)
{
	CLEAN(free_pointer) char *active = NULL, *later = NULL, *names = NULL;
	struct tuned t = {.host = h, .name = name, .out = out};
	*out = (struct sysctl_setting){0};
	if (!host_has(h, TUNED_RUNS))
		return SYSCTL_BOOT_NONE;
	snprintf(out->file, sizeof(out->file), "/" TUNED_ACTIVE);
	if (host_read_all(h, TUNED_ACTIVE, &active, NULL) < 0)
		return SYSCTL_BOOT_UNKNOWN;
	bool more = host_read_all(h, TUNED_LATER, &later, NULL) > 0;
	if (asprintf(&names, "%s %s", active, more ? later : "") < 0) {
		names = NULL;
		return SYSCTL_BOOT_UNKNOWN;
	}
	enum sysctl_boot by = find_profiles(&t, names);
	if (by == SYSCTL_BOOT_SET)
		by = modifier_settle(out->value, before);
	if (by == SYSCTL_BOOT_NONE)
		*out = (struct sysctl_setting){0};
	return by;
}

/* Whether it is switched on, as by default. */
static bool reapply_is_on(const struct host *h)
{
	static const char key[] = "reapply_sysctl";
	CLEAN(free_pointer) char *text = NULL;
	bool on = true;
	if (host_read_all(h, "etc/tuned/tuned-main.conf", &text, NULL) < 0)
		return true;
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		const char *value = strchr(line, '=');
		line += strspn(line, " \t");
		if (!value || strncmp(line, key, strlen(key)) != 0)
			continue;
		value += 1 + strspn(value + 1, " \t");
		on = is_on(value);
	}
	return on;
}

bool tuned_reapplies(const struct host *h)
{
	struct sysctl_setting any;
	return host_has(h, TUNED_RUNS) && reapply_is_on(h) &&
	       tuned_find(h, NULL, NULL, &any) != SYSCTL_BOOT_NONE;
}

/* Whether a unit is masked: a link to /dev/null. */
static bool is_masked(const struct host *h, const char *path)
{
	static const char null[] = "/dev/null";
	char target[sizeof(null) + 1];
	ssize_t n = h->fd < 0 ? -1 : readlinkat(h->fd, path, target, sizeof(target));
	return n == (ssize_t)strlen(null) && !strncmp(target, null, (size_t)n);
}

struct service {
	const struct host *host;
	const char *name;
};

static int runlevel_has(const char *path, void *arg)
{
	const struct service *s = arg;
	char link[PATH_MAX];
	struct stat st;
	snprintf(link, sizeof(link), "%.4000s/%.60s", path, s->name);
	return fstatat(s->host->fd, link, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Runlevels have any name, and one may include others. False where they cannot be read. */
static bool has_no_runlevel(const struct host *h, const char *name)
{
	struct service s = {h, name};
	return host_names(h, "etc/runlevels", runlevel_has, &s, NULL) == 0;
}

const struct sysctl_idle *sysctl_boot_idle(const struct host *h)
{
	static const struct sysctl_idle masked = {
		"systemd-sysctl.service is masked, and nothing reads the files at boot",
		"sudo systemctl unmask systemd-sysctl.service"};
	static const struct sysctl_idle left_out = {
		"the service sysctl of OpenRC is in no runlevel, and nothing reads the files at boot",
		"sudo rc-update add sysctl boot"};
	if (h->fd < 0)
		return NULL;
	if (host_has_systemd(h) && tuned_reapplies(h))
		return NULL;
	if (host_has_systemd(h))
		return is_masked(h, "etc/systemd/system/systemd-sysctl.service") ||
				       is_masked(h, "run/systemd/system/systemd-sysctl.service")
			       ? &masked
			       : NULL;
	bool openrc = host_has_openrc(h) && host_has(h, "etc/init.d/sysctl");
	return openrc && has_no_runlevel(h, "sysctl") ? &left_out : NULL;
}

/* The last KEY=VALUE of a file of the shell, without quotes; false: none. */
static bool assigned(const struct host *h, const char *path, const char *key, char *value,
		     size_t size)
{
	CLEAN(free_pointer) char *text = NULL;
	size_t length = strlen(key);
	bool found = false;
	if (host_read_all(h, path, &text, NULL) < 0)
		return false;
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, key, length) != 0 || line[length] != '=')
			continue;
		line += length + 1;
		line[strcspn(line, " \t\r#")] = 0;
		quotes_strip(line);
		snprintf(value, size, "%s", line);
		found = true;
	}
	return found;
}

bool ufw_file(const struct host *h, char file[UFW_FILE])
{
	char enabled[16];
	return assigned(h, "etc/ufw/ufw.conf", "ENABLED", enabled, sizeof(enabled)) &&
	       !strcasecmp(enabled, "yes") &&
	       assigned(h, "etc/default/ufw", "IPT_SYSCTL", file, UFW_FILE) && *file == '/';
}

bool ufw_find(const struct host *h, const char *name, struct sysctl_setting *out)
{
	CLEAN(free_pointer) char *text = NULL;
	char file[UFW_FILE];
	unsigned number = 0;
	*out = (struct sysctl_setting){0};
	if (!ufw_file(h, file) || host_read_all(h, file + 1, &text, NULL) < 0)
		return false;
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		number++;
		if (!take(line, strlen(line), name, out))
			continue;
		out->line = number;
		snprintf(out->file, sizeof(out->file), "%s", file);
	}
	return out->line;
}

enum sysctl_boot sysctl_boot_settle(const struct host *h, const char *name,
				    struct sysctl_setting *set)
{
	struct sysctl_setting other, cmdline = {0};
	const struct knob *k = knob_find(name);
	bool file = set->file[0] && !set->exclude;
	if (module_sets(h, name, &other)) {
		*set = other;
		return SYSCTL_BOOT_SET;
	}
	if (file && file_layer(set->file) != LAYER_SHIPPED && tuned_reapplies(h))
		return SYSCTL_BOOT_SET;
	if (ufw_find(h, name, &other)) {
		*set = other;
		file = true;
	}
	const char *before = file                              ? set->value
			     : find_cmdline(h, name, &cmdline) ? cmdline.value
			     : k                               ? knob_default(k, host_kernel(h))
							       : NULL;
	enum sysctl_boot by = tuned_find(h, name, before, &other);
	if (by == SYSCTL_BOOT_NONE && file)
		return SYSCTL_BOOT_SET;
	if (by != SYSCTL_BOOT_NONE)
		*set = other;
	else
		*set = cmdline;
	return by == SYSCTL_BOOT_NONE && cmdline.file[0] ? SYSCTL_BOOT_SET : by;
}
