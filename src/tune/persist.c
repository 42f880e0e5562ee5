#include "tune/persist.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/sysctl_d.h"
#include "host/modules.h"
#include "tune/plan.h"
#include "tune/state.h"

/* A container's own files end with the container, but for one that boots with systemd. */
static bool has_boot(const struct host *h, const struct host_identity *here)
{
	return (here->first_pids || host_has(h, "run/systemd/system")) &&
	       host_has_root_of(h, 1, true);
}

static int writable(const struct change_site *site, const char *directory)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s%s", site->root, directory);
	return access(path, W_OK) == 0 ? 0 : -errno;
}

/* As of an image. The directory of our files may be a mount of its own; one that is read-only in a
 * writable /etc may be so for a while. */
static bool is_read_only(const struct change_site *site)
{
	return writable(site, "/etc") == -EROFS && writable(site, DROPIN_DIRECTORY) != 0;
}

/* Where the lines are lost as well, none outlives its journal. */
static bool journal_is_lost(const struct change_site *site, const char *state_dir, char type[32])
{
	char real[PATH_MAX], ignored[32];
	state_resolve(state_dir, real);
	return host_is_volatile(site->host, real, type) &&
	       !host_is_volatile(site->host, DROPIN_DIRECTORY, ignored);
}

int persist_allowed(const struct change_site *site, const char *state_dir, struct err *e)
{
	struct host_identity here;
	char type[32];
	int rc = host_identity(site->host, &here, e);
	if (rc < 0)
		return rc;
	if (!here.initial)
		return err_set(
			e, PLAN_REFUSED,
			"--persist: the files apply to the network namespace of process 1 only, "
			"and this is another one");
	if (!has_boot(site->host, &here))
		return err_set(
			e, PLAN_REFUSED,
			"--persist: this is a container, and its files do not apply at boot: "
			"use it on the host, or set the values in the definition of the "
			"container");
	if (host_is_volatile(site->host, "/etc", type))
		return err_set(
			e, PLAN_REFUSED,
			"--persist: /etc is on %s in memory, and a file there is lost at the "
			"next boot: set the values in the image of this machine, or by "
			"cloud-init",
			type);
	if (journal_is_lost(site, state_dir, type))
		return err_set(
			e, PLAN_REFUSED,
			"--persist: the journal in %s is on %s in memory, and no rollback finds "
			"the lines after the next boot: give --state-dir a directory on a disk",
			state_dir, type);
	if (is_read_only(site))
		return err_set(e, PLAN_REFUSED,
			       "--persist: /etc is read-only: set the values in the image or the "
			       "configuration that this machine is made from");
	return 0;
}

/* Whether the file gives the running value, also where the kernel makes that of it. */
static bool agrees(const struct persisted *p, const struct change *standing, size_t count)
{
	if (!p->file[0] || p->excluded || p->unread || p->module || p->rival[0])
		return false;
	bool same = strcmp(p->files, p->running) == 0;
	for (size_t i = 0; i < count && !same; i++)
		same = strcmp(standing[i].name, p->knob) == 0 &&
		       strcmp(standing[i].became, p->running) == 0 &&
		       change_gives(&standing[i], p->files);
	return same;
}

int persist_look(const struct change *c, const struct change *standing, size_t count,
		 struct change_site *site, struct persisted *out, struct err *e)
{
	*out = (struct persisted){0};
	snprintf(out->knob, sizeof(out->knob), "%s", c->name);
	int rc = c->kind->file->look(site, c->name, out, e);
	out->agrees = rc == 0 && agrees(out, standing, count);
	return rc;
}

void persist_text(const struct persisted *p, char *text, size_t size)
{
	size_t at = 0;
	const char *files = change_shown(p->files), *running = change_shown(p->running);
	char command[MODULE_COMMAND], adjusted[CHANGE_VALUE + 40] = "";
	if (strcmp(files, running) != 0)
		snprintf(adjusted, sizeof(adjusted), ", which the kernel adjusts to %s", running);
	if (p->rival[0])
		at = (size_t)snprintf(
			text, size,
			"uncertain after a reboot: %s takes precedence over our %s and names this "
			"interface too; %s",
			p->rival, p->file, p->remedy);
	else if (!p->file[0])
		at = (size_t)snprintf(text, size,
				      "the kernel's default after a reboot: no file sets it");
	else if (p->unread)
		at = (size_t)snprintf(text, size, "the kernel's default after a reboot: %s",
				      p->unread);
	else if (p->excluded)
		at = (size_t)snprintf(text, size,
				      "the kernel's default after a reboot: "
				      "%s:%u excludes the knob",
				      p->file, p->line);
	else if (p->module)
		at = (size_t)snprintf(text, size,
				      "%s after a reboot only if %s is loaded before the files are "
				      "read: %s",
				      files, p->module, module_command(p->module, command));
	else if (p->agrees && p->ours)
		at = (size_t)snprintf(text, size, "%s after a reboot%s, as now", files, adjusted);
	else if (p->agrees)
		at = (size_t)snprintf(text, size,
				      "%s after a reboot%s, as now; "
				      "set by %s:%u, which overrides our line",
				      files, adjusted, p->file, p->line);
	else if (p->ours)
		at = (size_t)snprintf(text, size, "%s after a reboot, but %s now", files, running);
	else
		at = (size_t)snprintf(text, size,
				      "%s after a reboot, not %s: "
				      "%s:%u overrides our line; %s",
				      files, running, p->file, p->line,
				      p->remedy[0] ? p->remedy : "remove that one");
	if (p->conf[0] && strcmp(p->conf, p->files) != 0 && strcmp(p->conf, p->running) != 0 &&
	    at < size)
		snprintf(text + at, size - at,
			 "; /etc/sysctl.conf sets %s, which sysctl --system reads and "
			 "systemd-sysctl does not",
			 p->conf);
}

json_t *persist_json(struct json_writer *w, const struct persisted *p)
{
	json_t *o = json_object();
	value_set(w, o, "knob", value_text(p->knob));
	value_set(w, o, "running", value_text(p->running));
	value_set(w, o, "after_reboot", value_text(p->files));
	value_set(w, o, "file", value_text(p->file));
	value_set(w, o, "line", value_count(p->line));
	value_set(w, o, "ours", json_boolean(p->ours));
	value_set(w, o, "agrees", json_boolean(p->agrees));
	return o;
}

static bool seen(const struct change *standing, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(standing[i].name, name) == 0)
			return true;
	return false;
}

enum standing persist_find(const struct run *r, const struct change *c, struct change_site *site,
			   const struct host_identity *here, char now[CHANGE_VALUE], struct err *e)
{
	now[0] = 0;
	if (c->scope == CHANGE_FILES || c->state != CHANGE_DONE || strcmp(r->boot, here->boot) ||
	    (c->scope == CHANGE_NETNS && strcmp(r->netns, here->netns)))
		return STANDING_NONE;
	int rc = c->kind ? change_find_object(site, c, e)
			 : err_set(e, EINVAL, "%s is of a kind that epolltune does not know: %s",
				   c->name, c->kind_name);
	if (rc == 0)
		rc = c->kind->read(site, c->name, now, e);
	if (rc == -ENOTUNIQ)
		snprintf(now, CHANGE_VALUE, "several values");
	else if (rc < 0)
		now[0] = 0;
	if (rc < 0 && rc != -ENOTUNIQ)
		return rc == -ESTALE ? STANDING_LOST : STANDING_UNKNOWN;
	return rc < 0                        ? STANDING_MODIFIED
	       : strcmp(now, c->became) == 0 ? STANDING_IN_FORCE
	       : strcmp(now, c->from) == 0   ? STANDING_RESTORED
					     : STANDING_MODIFIED;
}

bool persist_in_force(const struct run *r, const struct change *c, struct change_site *site,
		      const struct host_identity *here)
{
	char now[CHANGE_VALUE];
	return persist_find(r, c, site, here, now, NULL) == STANDING_IN_FORCE;
}

size_t persist_standing(const struct journal *j, struct change_site *site, struct change *standing,
			size_t max)
{
	struct host_identity here;
	size_t count = 0;
	if (host_identity(site->host, &here, NULL) < 0)
		return 0;
	for (size_t i = j->count; i-- > 0;)
		for (size_t n = j->runs[i].count; n-- > 0 && count < max;) {
			const struct change *c = &j->runs[i].items[n];
			if (j->runs[i].status == RUN_APPLIED &&
			    persist_in_force(&j->runs[i], c, site, &here) &&
			    !seen(standing, count, c->name))
				standing[count++] = *c;
		}
	return count;
}
