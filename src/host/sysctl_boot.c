#include "host/sysctl_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "epolltune/sysctls.h"

#define TUNED_ACTIVE "etc/tuned/active_profile"
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
	const char *name;
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

/* A profile's own lines override those of the profiles that it includes. */
static enum sysctl_boot find_profile(struct tuned *t, const char *profile)
{
	CLEAN(free_pointer) char *text = read_profile(t, profile);
	char section[32] = "", includes[256] = "";
	bool found = false;
	if (!text)
		return SYSCTL_BOOT_UNKNOWN;
	unsigned number = 0;
	for (const char *at = text; *at; at += *at == '\n') {
		size_t length = strcspn(at, "\n");
		number++;
		if (*at == '[')
			snprintf(section, sizeof(section), "%.*s", (int)strcspn(at, "]\n"), at);
		else if (strcmp(section, "[main") == 0 && strncmp(at, "include", 7) == 0)
			snprintf(includes, sizeof(includes), "%.*s",
				 (int)(length - strcspn(at, "=")), at + strcspn(at, "="));
		else if (strcmp(section, "[sysctl") == 0 && take(at, length, t->name, t->out)) {
			quotes_strip(t->out->value);
			found = true;
			t->out->line = number;
		}
		at += length;
	}
	return found || !includes[0] ? (found ? SYSCTL_BOOT_SET : SYSCTL_BOOT_NONE)
				     : find_profiles(t, includes + 1);
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

bool tuned_reapplies(const struct host *h)
{
	static const char key[] = "reapply_sysctl";
	CLEAN(free_pointer) char *text = NULL;
	bool reapplies = host_has(h, TUNED_RUNS);
	if (!reapplies || host_read_all(h, "etc/tuned/tuned-main.conf", &text, NULL) < 0)
		return reapplies;
	for (char *line, *rest = text; (line = strsep(&rest, "\n"));) {
		const char *value = strchr(line, '=');
		line += strspn(line, " \t");
		if (!value || strncmp(line, key, strlen(key)) != 0)
			continue;
		value += 1 + strspn(value + 1, " \t");
		reapplies = !strchr("0nNfF", *value) && strncasecmp(value, "of", 2) != 0;
	}
	return reapplies;
}

enum sysctl_boot sysctl_boot_find(const struct host *h, const char *name,
				  struct sysctl_setting *out)
{
	CLEAN(free_pointer) char *active = NULL;
	struct tuned t = {.host = h, .name = name, .out = out};
	*out = (struct sysctl_setting){0};
	if (host_has(h, TUNED_RUNS)) {
		snprintf(out->file, sizeof(out->file), "/" TUNED_ACTIVE);
		if (host_read_all(h, TUNED_ACTIVE, &active, NULL) < 0)
			return SYSCTL_BOOT_UNKNOWN;
		enum sysctl_boot by = find_profiles(&t, active);
		if (by != SYSCTL_BOOT_NONE)
			return by;
		*out = (struct sysctl_setting){0};
	}
	return find_cmdline(h, name, out) ? SYSCTL_BOOT_SET : SYSCTL_BOOT_NONE;
}
