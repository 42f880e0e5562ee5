#include "tune/persist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/sysctl_d.h"
#include "tune/device.h"
#include "tune/device_files.h"
#include "tune/journal.h"

/* In the form of knob_read(), so that values compare by text. */
static void normalize(const char *name, char value[CHANGE_VALUE])
{
	char normal[CHANGE_VALUE];
	struct err ignored;
	const struct knob *k = knob_find(name);
	if (k && knob_check(k, value, normal, &ignored) == 0)
		snprintf(value, CHANGE_VALUE, "%s", normal);
}

int persist_allowed(const struct change_site *site, struct err *e)
{
	struct host_identity here;
	int r = host_identity(site->host, &here, e);
	if (r < 0 || here.initial)
		return r;
	return err_set(e, PLAN_REFUSED,
		       "--persist: the files apply to the network namespace of process 1 only, "
		       "and this is another one");
}

/* A line of a .link file or of a udev rule. */
static int look_at_device(const struct change *c, const struct change_site *site,
			  struct persisted *out, struct err *e)
{
	char line[CHANGE_VALUE];
	int r = device_read(site, c->name, out->running, e);
	if (r == 0)
		r = device_file_read(site, c->name, line, e);
	if (r < 0)
		return r;
	device_file_setting(c->name, line, out->files);
	if (out->files[0])
		device_file_path(c->name, out->file);
	device_file_rival(site, c->name, out->rival);
	out->ours = out->files[0] && !out->rival[0];
	out->agrees = out->ours && strcmp(out->files, out->running) == 0;
	return 0;
}

int persist_look(const struct change *c, const struct change_site *site, struct persisted *out,
		 struct err *e)
{
	struct sysctl_setting set = {0}, conf = {0};
	memset(out, 0, sizeof(*out));
	snprintf(out->knob, sizeof(out->knob), "%s", c->name);
	if (strcmp(c->kind, "sysctl.d") != 0)
		return look_at_device(c, site, out, e);
	int r = change_kind_find("sysctl")->read(site, c->name, out->running, e);
	if (r == 0)
		r = sysctl_d_find(site->root, c->name, &set, e);
	if (r == 0)
		r = sysctl_d_find_conf(site->root, c->name, &conf, e);
	if (r < 0)
		return r;
	memcpy(out->files, set.value, sizeof(out->files));
	memcpy(out->file, set.file, sizeof(out->file));
	memcpy(out->conf, conf.value, sizeof(out->conf));
	out->line = set.line;
	out->ours = set.ours;
	normalize(c->name, out->files);
	normalize(c->name, out->conf);
	out->agrees = out->files[0] && strcmp(out->files, out->running) == 0;
	return 0;
}

void persist_text(const struct persisted *p, char *text, size_t size)
{
	size_t at = 0;
	if (p->rival[0])
		at = (size_t)snprintf(
			text, size,
			"uncertain after a reboot: %s takes precedence over our %s and names this "
			"interface too; add the setting there",
			p->rival, p->file);
	else if (!p->file[0])
		at = (size_t)snprintf(text, size,
				      "the kernel's default after a reboot: no file sets it");
	else if (!p->files[0])
		at = (size_t)snprintf(text, size,
				      "the kernel's default after a reboot: "
				      "%s:%u excludes the knob",
				      p->file, p->line);
	else if (p->agrees && p->ours)
		at = (size_t)snprintf(text, size, "%s after a reboot, as now", p->files);
	else if (p->agrees)
		at = (size_t)snprintf(text, size,
				      "%s after a reboot, as now; "
				      "set by %s:%u, which overrides our line",
				      p->files, p->file, p->line);
	else if (p->ours)
		at = (size_t)snprintf(text, size, "%s after a reboot, but %s now", p->files,
				      p->running);
	else
		at = (size_t)snprintf(text, size,
				      "%s after a reboot, not %s: "
				      "%s:%u overrides our line; remove that one",
				      p->files, p->running, p->file, p->line);
	if (p->conf[0] && strcmp(p->conf, p->running) != 0 && at < size)
		snprintf(text + at, size - at,
			 "; /etc/sysctl.conf sets %s, which sysctl --system reads and "
			 "systemd-sysctl does not",
			 p->conf);
}

json_t *persist_json(const struct persisted *p)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:b}", "knob", p->knob, "running",
			 p->running, "after_reboot", p->files, "file", p->file, "line",
			 (json_int_t)p->line, "ours", p->ours, "agrees", p->agrees);
}

static bool seen(const struct change *standing, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(standing[i].name, name) == 0)
			return true;
	return false;
}

static bool in_force(const struct run *r, const struct change *c, const struct change_site *site,
		     const struct host_identity *here)
{
	char now[CHANGE_VALUE];
	struct err ignored;
	return c->scope != CHANGE_FILES && c->state == CHANGE_DONE &&
	       strcmp(r->boot, here->boot) == 0 &&
	       (c->scope != CHANGE_NETNS || strcmp(r->netns, here->netns) == 0) &&
	       change_kind_find(c->kind)->read(site, c->name, now, &ignored) == 0 &&
	       strcmp(now, c->became) == 0;
}

size_t persist_standing(const char *state_dir, const struct change_site *site,
			struct change *standing, size_t max)
{
	struct journal j;
	struct host_identity here;
	struct err ignored;
	size_t count = 0;
	if (host_identity(site->host, &here, &ignored) < 0 ||
	    journal_open(&j, state_dir, JOURNAL_READ, &ignored) < 0)
		return 0;
	for (size_t i = j.count; i-- > 0;)
		for (size_t n = j.runs[i].count; n-- > 0 && count < max;) {
			const struct change *c = &j.runs[i].items[n];
			if (j.runs[i].status == RUN_APPLIED &&
			    in_force(&j.runs[i], c, site, &here) && !seen(standing, count, c->name))
				standing[count++] = *c;
		}
	journal_close(&j);
	return count;
}
