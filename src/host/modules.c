#include "host/modules.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/sysctl_d.h"
#include "epolltune/sysctls.h"
#include "host/machine.h"

static const char *const load_directories[] = {"etc/modules-load.d", "run/modules-load.d",
					       "usr/local/lib/modules-load.d",
					       "usr/lib/modules-load.d", NULL};
static const char *const rule_directories[] = {"etc/udev/rules.d",           "run/udev/rules.d",
					       "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d",
					       "lib/udev/rules.d",           NULL};

static const char *const modprobe_directories[] = {"etc/modprobe.d",           "run/modprobe.d",
						   "usr/local/lib/modprobe.d", "usr/lib/modprobe.d",
						   "lib/modprobe.d",           NULL};

struct search {
	const struct host *host;
	const char *module, *name;  /* of the sysctl */
	struct sysctl_setting *set; /* by a command of modprobe.d(5) */
	/* Of search_directory(). */
	const char *const *directories;
	size_t directory;
	const char *ending;
	int (*file)(const char *path, void *arg);
};

/* "-" and "_" are the same in the name of a module. */
static bool is_module(const char *name, const char *module)
{
	while (*name && (*name == '-' ? '_' : *name) == *module)
		name++, module++;
	return *name == *module;
}

/* 1: the first word of a line of the file is the module's name. */
static int search_file(const char *path, void *arg)
{
	struct search *s = arg;
	CLEAN(free_pointer) char *text = NULL;
	if (host_read_all(s->host, path, &text, NULL) < 0)
		return 0;
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r#")] = 0;
		if (is_module(line, s->module))
			return 1;
	}
	return 0;
}

/* Only NAME with the ending, which masks those of the same name in later directories. */
static int search_directory(const char *path, void *arg)
{
	struct search *s = arg;
	char above[256];
	const char *name = strrchr(path, '/') + 1;
	if (!text_ends(name, strlen(name), s->ending))
		return 0;
	for (size_t i = 0; i < s->directory; i++)
		if ((size_t)snprintf(above, sizeof(above), "%s/%s", s->directories[i], name) <
			    sizeof(above) &&
		    host_has(s->host, above))
			return 0;
	return s->file(path, s);
}

static bool search_all(struct search *s, const char *const *directories, const char *ending,
		       int (*file)(const char *path, void *arg))
{
	s->directories = directories;
	s->ending = ending;
	s->file = file;
	for (s->directory = 0; directories[s->directory]; s->directory++)
		if (host_walk(s->host, directories[s->directory], 1, search_directory, s, NULL) ==
		    1)
			return true;
	return false;
}

/* Whether a word of the kernel's command line begins with a key, in which "-" and "_" are the same:
 * systemd src/basic/proc-cmdline.c, relaxed_equal_char(). */
static bool key_begins(const char *word, const char *key)
{
	for (; *key; word++, key++)
		if (*word != *key && !(*word == '-' && *key == '_'))
			return false;
	return true;
}

/* "modules_load=nf_conntrack,br_netfilter", or "rd.modules_load=", by which the initrd loads them:
 * systemd-modules-load.service(8). */
static bool command_line_loads(const struct search *s)
{
	static const char key[] = "modules_load=";
	CLEAN(free_pointer) char *text = NULL;
	bool found = false;
	if (host_read_all(s->host, "proc/cmdline", &text, NULL) < 0)
		return false;
	char *rest = text, *word;
	while ((word = strsep(&rest, " \n"))) {
		word += strncmp(word, "rd.", 3) ? 0 : 3;
		char *names, *name;
		if (!key_begins(word, key))
			continue;
		names = word + strlen(key);
		while ((name = strsep(&names, ",")))
			found |= is_module(name, s->module);
	}
	return found;
}

/* By modules-load.d(5), by the older file, or by the kernel's command line. */
static bool loads_at_boot(struct search *s)
{
	return search_all(s, load_directories, ".conf", search_file) ||
	       search_file("etc/modules", s) == 1 || command_line_loads(s);
}

/* One KEY, OPERATOR and "VALUE" of a rule of udev(7). */
struct rule_part {
	char key[64], operator[4], value[512];
};

/* False at the end, and at what is no such part. */
static bool part_next(const char **at, struct rule_part *p)
{
	const char *c = *at + strspn(*at, " \t,");
	size_t n = strcspn(c, " \t=!+-:\"{");
	n += c[n] == '{' ? strcspn(c + n, "}") + 1 : 0;
	if (!n || n > strlen(c))
		return false;
	snprintf(p->key, sizeof(p->key), "%.*s", (int)n, c);
	c += n;
	c += strspn(c, " \t");
	n = strspn(c, "=!+-:");
	snprintf(p->operator, sizeof(p->operator), "%.*s", (int)n, c);
	c += n;
	c += strspn(c, " \tei");
	if (!n || *c++ != '"')
		return false;
	for (n = 0; *c && *c != '"'; c++) {
		c += *c == '\\' && c[1] == '"';
		if (n + 1 < sizeof(p->value))
			p->value[n++] = *c;
	}
	p->value[n] = 0;
	*at = c + (*c == '"');
	return *c;
}

/* Whether a text is one of the patterns "A|B". */
static bool is_any(const char *patterns, const char *text)
{
	char copy[sizeof(((struct rule_part *)0)->value)], *rest = copy, *pattern;
	bool any = false;
	snprintf(copy, sizeof(copy), "%s", patterns);
	while ((pattern = strsep(&rest, "|")))
		any |= fnmatch(pattern, text, 0) == 0;
	return any;
}

/* Whether "--prefix=/net/bridge" of systemd-sysctl(8) has a name: by whole parts. */
static bool prefix_has(const char *prefix, const char *name)
{
	static const char root[] = "/proc/sys";
	size_t n = 0;
	prefix += strncmp(prefix, root, strlen(root)) ? 0 : strlen(root);
	prefix += strspn(prefix, "/.");
	while (prefix[n] && name[n] && (prefix[n] == '/' ? '.' : prefix[n]) == name[n])
		n++;
	return !prefix[n + strspn(prefix + n, "/.")] &&
	       (!n || !name[n] || strchr(".", name[n]) || name[n - 1] == '.');
}

/* Whether a command sets the sysctl: it reads the files again, all or those below a prefix. */
static bool command_sets(const char *command, const char *name)
{
	char copy[sizeof(((struct rule_part *)0)->value)], *rest = copy, *word;
	static const char option[] = "--prefix";
	bool limited = false, covered = false, next = false;
	if (!strstr(command, "sysctl"))
		return false;
	snprintf(copy, sizeof(copy), "%s", command);
	while ((word = strsep(&rest, " \t"))) {
		const char *prefix = next ? word : NULL;
		next = !strcmp(word, option);
		if (!strncmp(word, option, strlen(option)) && word[strlen(option)] == '=')
			prefix = word + sizeof(option);
		limited |= prefix != NULL;
		covered |= prefix && prefix_has(prefix, name);
	}
	return !limited || covered;
}

/* Whether a rule sets the sysctl when the module was loaded, as in sysctl.d(5). */
static bool rule_sets(const char *rule, const struct search *s)
{
	struct rule_part p;
	bool of_modules = false, sets = false;
	while (part_next(&rule, &p)) {
		const char *is = !strcmp(p.key, "SUBSYSTEM") ? "module"
				 : !strcmp(p.key, "KERNEL")  ? s->module
				 : !strcmp(p.key, "ACTION")  ? "add"
							     : NULL;
		bool equal = !strcmp(p.operator, "=="), unlike = !strcmp(p.operator, "!=");
		if (is && (equal || unlike) && is_any(p.value, is) == unlike)
			return false;
		of_modules |= equal && !strcmp(p.key, "SUBSYSTEM");
		sets |= !equal && !unlike &&
			(!strcmp(p.key, "RUN") || !strcmp(p.key, "RUN{program}")) &&
			command_sets(p.value, s->name);
	}
	return of_modules && sets;
}

/* A file of rules or of modprobe.d, in which a line goes on behind a backslash; NULL: it cannot be
 * read. */
static char *file_joined(const struct host *h, const char *path)
{
	char *text = NULL;
	if (host_read_all(h, path, &text, NULL) < 0)
		return NULL;
	for (char *at = text; (at = strstr(at, "\\\n"));)
		at[0] = at[1] = ' ';
	return text;
}

/* 1: a rule of the file sets the sysctl. */
static int search_rules(const char *path, void *arg)
{
	const struct search *s = arg;
	CLEAN(free_pointer) char *text = file_joined(s->host, path);
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n"))) {
		line += strspn(line, " \t");
		if (*line != '#' && rule_sets(line, s))
			return 1;
	}
	return 0;
}

/* The next word of a shell's command line, without its quotes. False: the command ends here. */
static bool word_next(const char **at, char word[SYSCTL_D_VALUE])
{
	static const char ends[] = ";&|";
	size_t n = 0;
	char quote = 0;
	const char *c = *at + strspn(*at, " \t\r");
	bool any = *c && !strchr(ends, *c);
	for (; *c && (quote || !strchr(" \t\r;&|", *c)); c++) {
		if (quote ? *c == quote : *c == '\'' || *c == '"')
			quote = quote ? 0 : *c;
		else if (n + 1 < SYSCTL_D_VALUE)
			word[n++] = *c;
	}
	word[n] = 0;
	*at = any ? c : c + strspn(c, ends);
	return any;
}

static bool pattern_has(const char *pattern, const char *name)
{
	regex_t compiled;
	if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return true;
	bool has = regexec(&compiled, name, 0, NULL, 0) == 0;
	regfree(&compiled);
	return has;
}

/* Whether one command is a sysctl(8) that sets the sysctl: by "NAME=VALUE", which gives s->set its
 * value, or by files, all lines or those of a pattern. Moves *at behind it. */
static bool sysctl_sets(const char **at, struct search *s)
{
	static const char pattern[] = "--pattern";
	char word[SYSCTL_D_VALUE] = "", only[SYSCTL_D_VALUE] = "";
	struct sysctl_line line;
	bool runs = false, next = false, files = false, written = false;
	while (word_next(at, word)) {
		const char *slash = strrchr(word, '/');
		if (next)
			snprintf(only, sizeof(only), "%s", word);
		else if (!strncmp(word, pattern, strlen(pattern)) && word[strlen(pattern)] == '=')
			snprintf(only, sizeof(only), "%s", word + sizeof(pattern));
		next = !next && (!strcmp(word, pattern) || !strcmp(word, "-r"));
		files |= runs && (!strcmp(word, "--system") || !strncmp(word, "--load", 6) ||
				  !strncmp(word, "-p", 2));
		if (runs && *word != '-' && sysctl_d_line(word, strlen(word), &line) &&
		    sysctl_same(line.name, s->name)) {
			written = true;
			memcpy(s->set->value, line.value, sizeof(line.value));
		}
		runs |= !strcmp(slash ? slash + 1 : word, "sysctl");
	}
	return written || (files && (!only[0] || pattern_has(only, s->name)));
}

/* 1: "install MODULE COMMAND" of the file sets the sysctl: modprobe.d(5). */
static int search_installs(const char *path, void *arg)
{
	struct search *s = arg;
	CLEAN(free_pointer) char *text = file_joined(s->host, path);
	bool sets = false;
	unsigned number = 0;
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *verb = strsep(&line, " \t"), *module = line ? strsep(&line, " \t") : NULL;
		const char *at = line;
		number++;
		if (strcmp(verb, "install") != 0 || !at || !is_module(module, s->module))
			continue;
		while (*at) {
			if (!sysctl_sets(&at, s))
				continue;
			sets = true;
			s->set->line = number;
		}
	}
	if (sets)
		snprintf(s->set->file, sizeof(s->set->file), "/%s", path);
	return sets;
}

/* 1: "options MODULE … NAME=" of the file. */
static int search_options(const char *path, void *arg)
{
	const struct search *s = arg;
	CLEAN(free_pointer) char *text = file_joined(s->host, path);
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *verb = strsep(&line, " \t"), *module = line ? strsep(&line, " \t") : NULL,
		     *word;
		if (strcmp(verb, "options") != 0 || !line || !is_module(module, s->module))
			continue;
		while ((word = strsep(&line, " \t")))
			if (!strncmp(word, s->name, strlen(s->name)))
				return 1;
	}
	return 0;
}

bool module_sizes(const struct host *h, const char *name)
{
	static const char *const sized[] = {"net.netfilter.nf_conntrack_max",
					    "net.netfilter.nf_conntrack_buckets"};
	struct search s = {.host = h, .module = "nf_conntrack", .name = "hashsize="};
	CLEAN(free_pointer) char *text = NULL;
	for (size_t i = 0; i < sizeof(sized) / sizeof(*sized); i++)
		if (!strcmp(name, sized[i]))
			return search_all(&s, modprobe_directories, ".conf", search_options) > 0 ||
			       (host_read_all(h, "proc/cmdline", &text, NULL) >= 0 &&
				strstr(text, "nf_conntrack.hashsize="));
	return false;
}

bool module_sets(const struct host *h, const char *name, struct sysctl_setting *out)
{
	struct search s = {.host = h, .module = sysctl_module(name), .name = name, .set = out};
	*out = (struct sysctl_setting){0};
	return s.module && search_all(&s, modprobe_directories, ".conf", search_installs) &&
	       out->value[0];
}

/* What has its sysctls and is not in the list of those loaded. A captured machine lacks the list.
 */
static bool is_built_in(struct search *s, const char *name)
{
	char path[SYSCTL_PATH];
	sysctl_path(name, path);
	return s->host->live && host_has(s->host, path) && search_file("proc/modules", s) == 0;
}

const char *module_late(const struct host *h, const char *name)
{
	struct sysctl_setting set = {0};
	struct search s = {.host = h, .module = sysctl_module(name), .name = name, .set = &set};
	bool late = s.module && !loads_at_boot(&s) && !is_built_in(&s, name) &&
		    !search_all(&s, rule_directories, ".rules", search_rules) &&
		    !search_all(&s, modprobe_directories, ".conf", search_installs);
	return late ? s.module : NULL;
}

const char *module_command(const char *module, char command[MODULE_COMMAND])
{
	snprintf(command, MODULE_COMMAND, "echo %s >/etc/modules-load.d/%s.conf", module, module);
	return command;
}
