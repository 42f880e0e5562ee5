#include "tune/device_profile.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "tune/site.h"

#define KEY 64
#define PATH 512

/* How the two name the settings of a group, before their names of ethtool. */
static const struct {
	enum nic_group group;
	const char *manager;  /* NetworkManager */
	const char *ifupdown; /* NULL: it has none */
} groups[] = {
	{GROUP_RINGS, "ring-", "hardware-dma-ring-"},
	{GROUP_COALESCE, "coalesce-", "hardware-irq-coalesce-"},
	{GROUP_CHANNELS, "channels-", NULL},
};

struct search {
	const struct change_site *site;
	const struct device_name *d;
	const char *wanted, *option;      /* as NetworkManager and as ethtool have it */
	char uuid[KEY];                   /* of the active profile of NetworkManager */
	char manager[KEY], ifupdown[KEY]; /* the names of the setting; "": none */
	bool found;                       /* the configuration of the interface */
	struct device_setter *out;
};

/* As a .link file has it, where a time without a unit is one of seconds. */
static void keep(struct search *s, const char *file, unsigned line, const char *value)
{
	bool off = !strcmp(value, "0") || !strcmp(value, "off");
	if (s->d->setting->boolean)
		value = off ? "no" : "yes";
	snprintf(s->out->file, sizeof(s->out->file), "%s", file);
	snprintf(s->out->value, sizeof(s->out->value), "%s=%.60s%s", s->d->setting->link, value,
		 s->d->setting->unit ? s->d->setting->unit : "");
	s->out->line = line;
}

/* Splits "KEY = value" in place; NULL without "=". */
static char *split(char *line)
{
	line[strcspn(line, "\r\n")] = 0;
	char *equals = strchr(line, '=');
	if (!equals)
		return NULL;
	for (char *end = equals; end >= line && (*end == '=' || isblank((unsigned char)*end));
	     end--)
		*end = 0;
	equals++;
	return equals + strspn(equals, " \t");
}

/* A profile of NetworkManager; its order of sections is free. */
static void read_profile(struct search *s, const char *path)
{
	char line[512], section[32] = "", found[KEY] = "";
	unsigned at = 0;
	bool active = false;
	CLEAN(close_file) FILE *in = site_open(s->site, path, "");
	for (unsigned n = 1; in && fgets(line, sizeof(line), in); n++) {
		char *value = split(line);
		if (*line == '[')
			snprintf(section, sizeof(section), "%.31s", line);
		else if (value && !strcmp(section, "[connection]") && !strcmp(line, "uuid"))
			active = !strcmp(value, s->uuid);
		else if (value && !strcmp(section, "[ethtool]") && !strcmp(line, s->manager)) {
			snprintf(found, sizeof(found), "%s", value);
			at = n;
		}
	}
	s->found |= active;
	if (!active || !found[0])
		return;
	keep(s, path, at, found);
	snprintf(s->out->remedy, sizeof(s->out->remedy),
		 "run: nmcli connection modify %s ethtool.%s %.60s", s->uuid, s->manager,
		 s->wanted);
}

/* `word`: what sets it in that line. */
static void advise_line(struct search *s, const char *word)
{
	snprintf(s->out->remedy, sizeof(s->out->remedy), "change that line to \"%s %.60s\"", word,
		 s->option);
}

/* The value of a word behind an option: "-G eth0 rx 512 tx 512; -C eth0 rx-usecs 50". */
static bool find_option(char *text, const char *option, const char *name, char value[KEY])
{
	bool inside = false, next = false, found = false;
	char *save = NULL;
	for (char *end = text; (end = strchr(end, ';')); end++)
		*end = ' ';
	for (char *word = strtok_r(text, " \t\"'", &save); word;
	     word = strtok_r(NULL, " \t\"'", &save)) {
		if (next)
			found = snprintf(value, KEY, "%.60s", word) > 0;
		next = inside && !next && !strcmp(word, name);
		if (*word == '-')
			inside = !strcmp(word, option);
	}
	return found;
}

static void read_ifcfg(struct search *s, const char *directory, const char *key)
{
	char path[PATH], line[512], value[KEY];
	snprintf(path, sizeof(path), "%s/ifcfg-%s", directory, s->d->nic);
	CLEAN(close_file) FILE *in = site_open(s->site, path, "");
	for (unsigned n = 1; in && fgets(line, sizeof(line), in); n++) {
		char *options = split(line);
		if (!options || strncmp(line, key, strlen(key)) != 0 ||
		    !find_option(options, s->d->setting->ethtool[0], s->d->setting->ethtool[1],
				 value))
			continue;
		keep(s, path, n, value);
		advise_line(s, s->d->setting->ethtool[1]);
	}
}

/* Whether an option of ethtool in a command is of our interface; `own`: in its stanza, where ifup
 * sets IFACE. */
static bool is_for_us(const struct search *s, const char *command, bool own)
{
	char text[512], *save = NULL;
	bool next = false, is = false;
	snprintf(text, sizeof(text), "%s", command);
	for (char *word = strtok_r(text, " \t\"'", &save); word;
	     word = strtok_r(NULL, " \t\"'", &save)) {
		is |= next && (!strcmp(word, s->d->nic) ||
			       (own && (!strcmp(word, "$IFACE") || !strcmp(word, "${IFACE}"))));
		next = !strcmp(word, s->d->setting->ethtool[0]);
	}
	return is;
}

/* "post-up ethtool -G eth0 rx 512 || true"; each command of a line may be of another interface. */
static void read_command(struct search *s, const char *path, unsigned n, char *line, bool own)
{
	static const char *const words[] = {"pre-up", "up", "post-up"};
	char *command = line + strspn(line, " \t"), *save = NULL, value[KEY];
	size_t length = strcspn(command, " \t");
	bool runs = false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		runs |= length == strlen(words[i]) && !strncmp(command, words[i], length);
	command[strcspn(command, "\r\n")] = 0;
	if (!runs)
		return;
	for (char *part = strtok_r(command, ";&|", &save); part;
	     part = strtok_r(NULL, ";&|", &save)) {
		if (!strstr(part, "ethtool") || !is_for_us(s, part, own) ||
		    !find_option(part, s->d->setting->ethtool[0], s->d->setting->ethtool[1], value))
			continue;
		keep(s, path, n, value);
		advise_line(s, s->d->setting->ethtool[1]);
	}
}

/* A file of interfaces(5): a stanza ends with the next. */
static void read_interfaces(struct search *s, const char *path)
{
	static const char *const stanzas[] = {"iface", "mapping", "auto", "source",
					      "source-directory"};
	char line[512], word[KEY], value[KEY];
	bool inside = false;
	CLEAN(close_file) FILE *in = site_open(s->site, path, "");
	for (unsigned n = 1; in && fgets(line, sizeof(line), in); n++) {
		bool begins = false;
		if (sscanf(line, "%63s %63s", word, value) != 2)
			continue;
		for (size_t i = 0; i < sizeof(stanzas) / sizeof(*stanzas); i++)
			begins |= !strcmp(word, stanzas[i]);
		if (begins || !strncmp(word, "allow-", 6))
			inside = !strcmp(word, "iface") && !strcmp(value, s->d->nic);
		else if (inside && !strcmp(word, s->ifupdown)) {
			keep(s, path, n, value);
			advise_line(s, word);
		} else {
			read_command(s, path, n, line, inside);
		}
	}
}

/* Calls `read` for the files of a directory with such an end. */
static void read_all(struct search *s, const char *directory, const char *end,
		     void (*read)(struct search *s, const char *path))
{
	char full[PATH], path[PATH];
	snprintf(full, sizeof(full), "%.300s%s", s->site->root, directory);
	CLEAN(close_directory) DIR *list = opendir(full);
	const struct dirent *entry;
	while (list && (entry = readdir(list))) {
		if (*entry->d_name == '.' ||
		    (*end && !text_ends(entry->d_name, strlen(entry->d_name), end)))
			continue;
		snprintf(path, sizeof(path), "%s/%.255s", directory, entry->d_name);
		read(s, path);
	}
}

/* The profile that NetworkManager has activated on the interface. */
static bool manager_active(struct search *s, uint32_t index)
{
	char path[64], line[512];
	snprintf(path, sizeof(path), "/run/NetworkManager/devices/%u", index);
	CLEAN(close_file) FILE *in = site_open(s->site, path, "");
	while (in && fgets(line, sizeof(line), in)) {
		const char *value = split(line);
		if (value && !strcmp(line, "connection-uuid"))
			snprintf(s->uuid, sizeof(s->uuid), "%.60s", value);
	}
	return s->uuid[0];
}

static void search_manager(struct search *s)
{
	static const char *const directories[] = {"/etc", "/run", "/usr/lib"};
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		char path[PATH];
		snprintf(path, sizeof(path), "%s/NetworkManager/system-connections",
			 directories[i]);
		if (!s->found)
			read_all(s, path, ".nmconnection", read_profile);
	}
}

/* Commands of a stanza need no script, but ifup. */
static void search_ifupdown(struct search *s)
{
	CLEAN(close_file) FILE *script = site_open(s->site, "/etc/network/if-up.d/ethtool", "");
	CLEAN(close_file) FILE *in_sbin = site_open(s->site, "/sbin/ifup", "");
	CLEAN(close_file) FILE *in_usr = site_open(s->site, "/usr/sbin/ifup", "");
	if (!script)
		s->ifupdown[0] = '\0';
	if (!script && !in_sbin && !in_usr)
		return;
	read_interfaces(s, "/etc/network/interfaces");
	read_all(s, "/etc/network/interfaces.d", "", read_interfaces);
}

bool device_profile_find(const struct change_site *site, const struct device_name *d,
			 uint32_t index, const char *wanted, struct device_setter *out)
{
	struct device_setter by = {0};
	const char *on = strcmp(wanted, "0") != 0 ? "on" : "off";
	struct search s = {.site = site,
			   .d = d,
			   .wanted = wanted,
			   .option = d->setting->boolean ? on : wanted,
			   .out = &by};
	if (!d->setting->link || !d->setting->name)
		return false;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (groups[i].group == d->setting->group) {
			snprintf(s.manager, sizeof(s.manager), "%s%s", groups[i].manager,
				 d->setting->name);
			if (groups[i].ifupdown)
				snprintf(s.ifupdown, sizeof(s.ifupdown), "%s%s", groups[i].ifupdown,
					 d->setting->name);
		}
	if (manager_active(&s, index))
		search_manager(&s);
	/* NetworkManager takes a profile of its own before an ifcfg file of the interface. */
	if (!s.found) {
		read_ifcfg(&s, "/etc/sysconfig/network-scripts", "ETHTOOL_OPTS");
		read_ifcfg(&s, "/etc/sysconfig/network", "ETHTOOL_OPTIONS");
	}
	if (!s.found && !by.file[0])
		search_ifupdown(&s);
	if (by.file[0])
		*out = by;
	return by.file[0];
}
