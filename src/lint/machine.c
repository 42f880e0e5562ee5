/* What the files of a machine do together, and what is running. */
#include "lint/lint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/layer.h"
#include "base/shell.h"
#include "base/text.h"
#include "epolltune/cleanup.h"
#include "epolltune/knob_value.h"
#include "epolltune/list.h"
#include "epolltune/ports.h"
#include "epolltune/sysctls.h"
#include "host/sysctl_boot.h"

/* Programs that write sysctls after the files were read. */
static const struct {
	const char *name, *file; /* that shows that it is installed or running */
	const char *writes, *change;
	bool (*yields)(const struct host *h); /* to files of /etc and /run; NULL: never */
	bool (*runs)(const struct host *h);   /* here, without that file; NULL: not known */
} writers[] = {
	{"TuneD", TUNED_RUNS, "the [sysctl] sections of its profile", "tuned-adm profile",
	 tuned_reapplies, NULL},
	{"kube-proxy", "var/lib/kube-proxy",
	 "net.netfilter.nf_conntrack_max and timeouts of conntrack",
	 "conntrack: of its configuration", NULL, host_has_kube_proxy},
	{"systemd-networkd", "run/systemd/netif/links", "forwarding and IPv6 of its interfaces",
	 "IPForward= and IPv6*= of its .network files", NULL, NULL},
	{"NetworkManager", "run/NetworkManager", "IPv6 and MTU of its interfaces",
	 "nmcli connection", NULL, NULL},
	{"dockerd", "run/docker.sock", "net.ipv4.ip_forward and bridge-nf-call-*",
	 "\"ip-forward\" of /etc/docker/daemon.json", NULL, NULL},
	{"cloud-init", "run/cloud-init/instance-data.json",
	 "files of sysctl.d and commands of its first boot", "the instance's user data", NULL,
	 NULL},
	{"ufw", "etc/ufw/sysctl.conf", "/etc/ufw/sysctl.conf when it starts",
	 "/etc/ufw/sysctl.conf", NULL, NULL},
};

struct boot {
	struct lint *lint;
	struct err *err;
	enum sysctl_reader reader;
	bool again; /* the files that TuneD applies after all others */
};

static int boot_file(const char *file, void *arg)
{
	struct boot *b = arg;
	bool last = b->reader == SYSCTL_TUNED && file_layer(file) != LAYER_SHIPPED;
	return last == b->again ? lint_machine_file(b->lint, file, true, b->err) : 0;
}

/* TuneD applies what systemd-sysctl has applied before. */
static enum sysctl_reader reader_of_shipped(enum sysctl_reader reader)
{
	return reader == SYSCTL_TUNED ? SYSCTL_SYSTEMD : reader;
}

/* The files of sysctl.d in the order in which their lines are applied last. */
static int files_judge(struct boot *b)
{
	b->lint->reader = reader_of_shipped(b->reader);
	int rc = sysctl_d_files(b->lint->host, boot_file, b, b->err);
	b->again = true;
	b->lint->reader = b->reader;
	return rc == 0 && b->reader == SYSCTL_TUNED
		       ? sysctl_d_files(b->lint->host, boot_file, b, b->err)
		       : rc;
}

/* Files beside those that are read. */
static int name_judge(const char *path, void *arg)
{
	struct lint *l = arg;
	char shown[4096];
	const char *name = strrchr(path, '/') + 1;
	snprintf(shown, sizeof(shown), "/%s", path);
	struct lint_line whole = {shown, "", 0};
	if (name[0] == '.' || !strncmp(name, "README", 6) || !lint_is_beside(shown) ||
	    lint_is_aside(shown))
		return 0;
	whole.file = lint_name(l, shown);
	lint_add(l, &whole, LINT_UNREAD, NULL,
		 "the name does not end in .conf, and nothing reads it: rename the file");
	return 0;
}

/* /etc/sysctl.conf: the last file for procps and TuneD, none at all for systemd. */
static int conf_judge(const struct boot *b)
{
	const char *file;
	struct lint *l = b->lint;
	size_t before = l->value_order;
	int rc = sysctl_d_conf(l->host, &file, b->err);
	if (rc < 0 || !file)
		return rc;
	l->reader = b->reader == SYSCTL_SYSTEMD ? SYSCTL_PROCPS : b->reader;
	rc = b->reader == SYSCTL_SYSTEMD ? lint_tree(l, file, b->err)
					 : lint_machine_file(l, file, true, b->err);
	struct lint_line whole = {lint_name(l, file), "", 0};
	char ufw[UFW_FILE];
	bool applied = ufw_file(l->host, ufw) && !strcmp(ufw, file);
	if (rc < 0 || l->value_order == before || b->reader == SYSCTL_PROCPS || applied)
		return rc;
	bool tuned = b->reader == SYSCTL_TUNED;
	lint_add(l, &whole, LINT_UNREAD, NULL,
		 "systemd-sysctl does not read it at boot, only sysctl --system%s: move its lines "
		 "to %s/NAME.conf",
		 tuned ? " does, and TuneD after a profile with a [sysctl] section" : " does",
		 DROPIN_DIRECTORY);
	if (tuned)
		lint_level(l, LEVEL_WARNING);
	return 0;
}

static int64_t limit_of(const struct lint *l, const char *name)
{
	int64_t value = 0;
	if (!sysctl_value_number(l, name, &value))
		knob_number(name, l->host, &value);
	return value;
}

/* The last line of a value, as the values are sorted. */
static bool is_last(const struct lint *l, size_t i)
{
	return i + 1 == l->values.count ||
	       strcmp(l->values.at[i].key, l->values.at[i + 1].key) != 0;
}

/* Whether TuneD's profile, not the line, has the last word. Of what is shipped that is its
 * purpose. */
static bool profile_judge(struct lint *l, const struct lint_value *v, const struct knob *k)
{
	char own[KNOB_VALUE], last[KNOB_VALUE];
	struct sysctl_setting by;
	struct lint_line line = {v->file, "", v->line};
	bool shipped = file_layer(v->file) == LAYER_SHIPPED;
	if (!shipped && tuned_reapplies(l->host))
		return false;
	enum sysctl_boot found = tuned_find(l->host, v->key, v->value, &by);
	if (found == SYSCTL_BOOT_NONE)
		return false;
	knob_taken(k, l->kernel, v->value, own);
	knob_taken(k, l->kernel, by.value, last);
	bool same = !strcmp(by.value, v->value) || (own[0] && !strcmp(own, last));
	if (!shipped && found == SYSCTL_BOOT_SET && !same)
		lint_add(
			l, &line, LINT_OVERRIDDEN, NULL,
			"%s = %.80s is overridden by %s:%u, which TuneD applies later, "
			"with %.80s: change that line, in a copy below /etc/tuned if it is a package's",
			v->name, v->value, by.file, by.line, by.value);
	return true;
}

static void drift_judge(struct lint *l, const struct lint_value *v, const struct knob *k)
{
	char boot[KNOB_VALUE], running[KNOB_VALUE];
	char set[SYSCTL_NAME + KNOB_VALUE], word[2 * sizeof(set)];
	struct lint_line line = {v->file, "", v->line};
	/* Of other values the kernel may take a part. */
	if (v->refused && k->shape == KNOB_RANGE)
		return;
	if (knob_read(k, l->host, running, NULL) == 0 &&
	    knob_at_boot(k, l->kernel, l->page_bytes, v->value, running, boot) &&
	    strcmp(boot, running) != 0) {
		snprintf(set, sizeof(set), "%s=%s", v->name, boot);
		shell_word(word, sizeof(word), set);
		lint_add(l, &line, LINT_DRIFT, NULL,
			 "%s = %s, but %s is running: find the writer, or set it: sysctl -w %s",
			 v->name, boot, running, word);
	}
}

/* Files are read for the initial network namespace only. */
static void running_judge(struct lint *l)
{
	struct host_identity here = {.initial = true};
	bool first = !host_live(l->host) ||
		     (host_identity(l->host, &here, NULL) == 0 && here.initial && here.first_pids);
	for (size_t i = 0; i < l->values.count; i++) {
		const struct lint_value *v = &l->values.at[i];
		const struct knob *k = knob_find(v->key);
		struct lint_line line = {v->file, "", v->line};
		if (!k || v->pattern || v->exclude || !is_last(l, i))
			continue;
		if (first && profile_judge(l, v, k))
			continue;
		if (first)
			drift_judge(l, v, k);
		else if (k->scope == KNOB_SYSTEM && file_layer(v->file) == LAYER_ETC)
			lint_add(
				l, &line, LINT_CONTAINER, NULL,
				"%s is one for the whole machine, and this is a container: set it on the "
				"node",
				v->name);
	}
}

static void writers_name(struct lint *l)
{
	struct lint_line whole = {lint_name(l, DROPIN_DIRECTORY), "", 0};
	bool own = false; /* not only the distribution's */
	for (size_t i = 0; i < l->values.count; i++)
		own |= file_layer(l->values.at[i].file) == LAYER_ETC;
	for (size_t i = 0; i < sizeof(writers) / sizeof(*writers); i++)
		if (own && (host_has(l->host, writers[i].file) ||
			    (writers[i].runs && writers[i].runs(l->host))))
			lint_add(l, &whole, LINT_WRITER, NULL,
				 "%s is here and writes %s after these files%s: change %s",
				 writers[i].name, writers[i].writes,
				 writers[i].yields && writers[i].yields(l->host)
					 ? ", but no name that /etc or /run sets"
					 : "",
				 writers[i].change);
}

/* Whether a program reads the files of sysctl.d that are not the distribution's. */
static void reader_judge(struct lint *l)
{
	const struct sysctl_idle *idle = sysctl_boot_idle(l->host);
	struct lint_line whole = {lint_name(l, DROPIN_DIRECTORY), "", 0};
	bool own = false;
	for (size_t i = 0; i < l->values.count; i++)
		own |= file_layer(l->values.at[i].file) == LAYER_ETC;
	if (idle && own)
		lint_add(l, &whole, LINT_UNREAD, NULL, "%s: %s", idle->why, idle->command);
}

/* Files that need not be there. */
static int tree_judge(struct lint *l, const char *path, struct err *e)
{
	struct err why;
	struct lint_line whole = {lint_name(l, path), "", 0};
	int rc = lint_tree(l, path, &why);
	if (rc == -ENOMEM)
		return err_copy(e, &why);
	if (rc == -EACCES)
		lint_add(l, &whole, LINT_DENIED, NULL, "%s: not judged; run lint as root",
			 why.text);
	return 0;
}

static int trees_judge(struct lint *l, const char *trees, struct err *e)
{
	struct list_item item;
	int rc = 0;
	while (rc == 0 && list_next(&trees, &item)) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%.*s", item.length, item.text);
		rc = tree_judge(l, path, e);
	}
	return rc;
}

static int others_judge(struct lint *l, struct err *e)
{
	int rc = trees_judge(l,
			     "/etc/security/limits.conf,/etc/security/limits.d,"
			     "/etc/systemd/system.conf,/etc/systemd/system.conf.d,"
			     "/run/systemd/system.conf,/run/systemd/system.conf.d,"
			     "/usr/local/lib/systemd/system.conf,"
			     "/usr/local/lib/systemd/system.conf.d,"
			     "/usr/lib/systemd/system.conf,/usr/lib/systemd/system.conf.d,"
			     "/lib/systemd/system.conf,/lib/systemd/system.conf.d,"
			     "/etc/systemd/system,/run/systemd/system,"
			     "/usr/local/lib/systemd/system,/usr/lib/systemd/system,"
			     "/lib/systemd/system",
			     e);
	for (size_t i = 0; i < server_row_count() && rc == 0; i++)
		rc = trees_judge(l, server_row_at(i)->trees, e);
	return rc;
}

int lint_machine(struct lint *l, struct err *e)
{
	struct boot b = {l, e, sysctl_d_reader(l->host), false};
	struct host_facts facts;
	host_facts(l->host, &facts);
	l->memory_bytes = facts.memory_bytes;
	l->page_bytes = facts.page_bytes;
	bool last = b.reader != SYSCTL_SYSTEMD;
	int rc = last ? 0 : conf_judge(&b);
	if (rc == 0)
		rc = files_judge(&b);
	if (rc == 0 && last)
		rc = conf_judge(&b);
	if (rc < 0)
		return rc;
	host_walk(l->host, &DROPIN_DIRECTORY[1], 1, name_judge, l, NULL);
	sysctl_values_judge(l);
	running_judge(l);
	writers_name(l);
	reader_judge(l);
	l->somaxconn = limit_of(l, "net.core.somaxconn");
	l->nr_open = limit_of(l, "fs.nr_open");
	sysctl_values_clear(l);
	l->reader = reader_of_shipped(b.reader);
	rc = others_judge(l, e);
	unit_values_judge(l);
	return rc;
}
