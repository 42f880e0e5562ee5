/* Sysctls, and their lines in /etc/sysctl.d: the change kinds "sysctl" and "sysctl.d". */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/layer.h"
#include "base/shell.h"
#include "epolltune/knob_value.h"
#include "epolltune/ports.h"
#include "epolltune/report.h"
#include "epolltune/sysctl_d.h"
#include "epolltune/sysctls.h"
#include "host/modules.h"
#include "host/sysctl_boot.h"
#include "tune/dropin.h"
#include "tune/kind.h"
#include "tune/persist.h"

static bool is_sysctl(const struct knob *k)
{
	return k && (k->scope == KNOB_NETNS || k->scope == KNOB_SYSTEM);
}

static const struct knob *sysctl_find(const char *name, struct err *e)
{
	const struct knob *k = knob_find(name);
	if (is_sysctl(k))
		return k;
	err_set(e, EINVAL, "%s is not a sysctl that epolltune knows", name);
	return NULL;
}

static enum change_scope sysctl_scope(const char *name)
{
	const struct knob *k = knob_find(name);
	return k && k->scope == KNOB_NETNS ? CHANGE_NETNS : CHANGE_SYSTEM;
}

/* As the kernel takes it; page_bytes: see knob_keep(). */
static int sysctl_take(const char *name, const char *value, uint64_t page_bytes,
		       char normal[CHANGE_VALUE], struct err *e)
{
	const struct knob *k = sysctl_find(name, e);
	int rc = k ? knob_check(k, value, normal, e) : -EINVAL;
	if (rc == 0)
		knob_keep(k, page_bytes, normal);
	return rc;
}

static int sysctl_form(const char *name, const char *value, char normal[CHANGE_VALUE],
		       struct err *e)
{
	return sysctl_take(name, value, 0, normal, e);
}

static int sysctl_normal(struct change_site *site, const char *name, const char *value,
			 char normal[CHANGE_VALUE], struct err *e)
{
	return sysctl_take(name, value, host_page_bytes(site->host), normal, e);
}

static int sysctl_check(struct change_site *site, const char *name, const char *value,
			struct err *e)
{
	char normal[CHANGE_VALUE], path[KNOB_PATH];
	int rc = sysctl_normal(site, name, value, normal, e);
	if (!rc)
		rc = knob_check_min(knob_find(name), host_kernel(site->host),
				    host_tick_us(site->host), normal, e);
	if (rc < 0)
		return rc;
	knob_path(knob_find(name), path);
	bool system = sysctl_scope(name) == CHANGE_SYSTEM;
	if (system && host_is_read_only(site->host, path))
		return err_set(e, EROFS,
			       "%s is one for the machine and read-only in this network namespace",
			       name);
	/* The kernel allows uid 0 to write it even from a namespace that maps that uid. */
	if (system && !host_owns_machine(site->host))
		return err_set(e, EROFS, "%s is one for the machine: not set from a user namespace",
			       name);
	return host_writable(site->host, path, e);
}

static void sysctl_elsewhere(const struct change *c, char action[CHANGE_VALUE])
{
	char setting[CHANGE_NAME + CHANGE_VALUE], word[2 * CHANGE_VALUE];
	snprintf(setting, sizeof(setting), "%s=%s", c->name, c->to);
	shell_word(word, sizeof(word), setting);
	snprintf(action, CHANGE_VALUE, "On the host: sysctl -w %.400s", word);
}

static int sysctl_read(struct change_site *site, const char *name, char value[CHANGE_VALUE],
		       struct err *e)
{
	const struct knob *k = sysctl_find(name, e);
	return k ? knob_read(k, site->host, value, e) : -EINVAL;
}

static int sysctl_write(struct change_site *site, const char *name, const char *value,
			struct err *e)
{
	const struct knob *k = sysctl_find(name, e);
	if (!k)
		return -EINVAL;
	/* Not checked by knob_check(): rollback must be able to restore any old value. */
	char path[KNOB_PATH];
	knob_path(k, path);
	return host_write(site->host, path, value, e);
}

static bool sysctl_has(const char *name, char spelled[CHANGE_NAME])
{
	const struct knob *k = knob_find(name);
	return is_sysctl(k) && snprintf(spelled, CHANGE_NAME, "%s", k->name) > 0;
}

static bool sysctl_hidden(const struct err *why, char action[CHANGE_VALUE])
{
	snprintf(action, CHANGE_VALUE,
		 "not visible in this network namespace: set it on the host.");
	return why->code == ENOENT;
}

/* What sets the knob at boot without our line. */
static enum sysctl_boot boot_setting(struct change_site *site, const char *name,
				     struct sysctl_setting *out)
{
	struct err ignored;
	if (sysctl_d_find(site->files, sysctl_d_reader(site->host), name, out, &ignored) < 0)
		return SYSCTL_BOOT_UNKNOWN;
	return sysctl_boot_settle(site->host, name, out);
}

/* The value of another file, of TuneD or of the kernel's command line; else the kernel's own, as
 * what no program sets at boot was set by hand. */
static void sysctl_at_boot(struct change_site *site, struct change *c, char why[CHANGE_WHY])
{
	struct sysctl_setting set = {0};
	char value[KNOB_VALUE];
	const struct knob *k = knob_find(c->name);
	const char *own = k ? knob_default(k, host_kernel(site->host)) : NULL;
	enum sysctl_boot by = k ? boot_setting(site, c->name, &set) : SYSCTL_BOOT_UNKNOWN;
	snprintf(why, CHANGE_WHY, " (the value of an earlier boot; that of this boot is unknown)");
	if (by == SYSCTL_BOOT_SET &&
	    knob_at_boot(k, host_kernel(site->host), host_page_bytes(site->host), set.value,
			 c->from, value)) {
		snprintf(why, CHANGE_WHY, " (set by %.200s:%u; %.80s was of an earlier boot)",
			 set.file, set.line, change_shown(c->from));
		snprintf(c->from, sizeof(c->from), "%s", value);
	} else if (by != SYSCTL_BOOT_NONE && set.file[0] && own) {
		snprintf(why, CHANGE_WHY,
			 " (the value of an earlier boot, which %.200s may set at boot; the "
			 "kernel's default is %.80s)",
			 set.file, own);
	} else if (by == SYSCTL_BOOT_NONE && own && strcmp(own, c->from) != 0) {
		snprintf(why, CHANGE_WHY, " (the kernel's default; %.80s was of an earlier boot)",
			 change_shown(c->from));
		snprintf(c->from, sizeof(c->from), "%s", own);
	} else if (by == SYSCTL_BOOT_NONE && own) {
		snprintf(why, CHANGE_WHY, " (the kernel's default)");
	}
}

static const struct change_kind *sysctl_file(const char *name) { return &kind_sysctl_d; }

static void sysctl_shell(FILE *out, const struct change *c)
{
	char path[KNOB_PATH];
	knob_path(knob_find(c->name), path);
	fprintf(out, "\n# %s\nchange /%s '%s' '%s'\n", c->why, path, c->from, c->to);
}

static void sysctl_line(FILE *out, const struct change *c)
{
	char command[MODULE_COMMAND];
	const char *module = sysctl_module(c->name);
	fprintf(out, "\n# %s (was %s)\n", c->why, change_shown(c->from));
	if (module)
		fprintf(out,
			"# Exists only while %s is loaded. To load it before the files are read:\n"
			"#   %s\n",
			module, module_command(module, command));
	fprintf(out, "%s = %s\n", c->name, c->to);
}

static const struct change_running running = {
	.has = sysctl_has,
	.scope = sysctl_scope,
	.normal = sysctl_normal,
	.form = sysctl_form,
	.hidden = sysctl_hidden,
	.elsewhere = sysctl_elsewhere,
	.at_boot = sysctl_at_boot,
	.file = sysctl_file,
	.shell = sysctl_shell,
	.sysctl = sysctl_line,
};

const struct change_kind kind_sysctl = {
	.name = "sysctl",
	.check = sysctl_check,
	.read = sysctl_read,
	.write = sysctl_write,
	.running = &running,
};

static bool sets(const char *line, size_t length, const char *name)
{
	struct sysctl_line read;
	return sysctl_d_line(line, length, &read) && !read.pattern && sysctl_same(read.name, name);
}

static struct dropin_place place_of(const char *name)
{
	return (struct dropin_place){.directory = DROPIN_DIRECTORY,
				     .file = DROPIN_FILE,
				     .head = DROPIN_HEAD,
				     .sets = sets,
				     .of = name};
}

static int file_check(struct change_site *site, const char *name, const char *value, struct err *e)
{
	struct dropin_place place = place_of(name);
	return place_check(site, &place, e);
}

static int file_read(struct change_site *site, const char *name, char value[CHANGE_VALUE],
		     struct err *e)
{
	struct dropin_place place = place_of(name);
	return place_read(site, &place, value, e);
}

static int file_write(struct change_site *site, const char *name, const char *value, struct err *e)
{
	struct dropin_place place = place_of(name);
	return place_write(site, &place, value, e);
}

static void file_path(const char *name, char path[CHANGE_FILE])
{
	snprintf(path, CHANGE_FILE, "%s", DROPIN_DIRECTORY "/" DROPIN_FILE);
}

static void file_setting(const char *name, const char *value, char setting[CHANGE_VALUE])
{
	setting[0] = 0;
	const char *equals = strchr(dropin_setting(value), '=');
	if (!equals)
		return;
	equals += 1 + strspn(equals + 1, " \t");
	snprintf(setting, CHANGE_VALUE, "%s", equals);
}

static int file_line(struct change_site *site, const char *name, const char *set_to,
		     const char *why, const struct change_author *author, char value[CHANGE_VALUE],
		     struct err *e)
{
	char line[CHANGE_VALUE];
	if ((size_t)snprintf(line, sizeof(line), "%s = %s", name, set_to) >= sizeof(line))
		return err_set(e, EFBIG, "the line for %s is too long", name);
	return dropin_line(value, line, why, author, e);
}

/* What a line of the files makes of a value, so that values compare by text; what the kernel
 * refuses stays as it is written. */
static void normalize(struct change_site *site, const char *name, const char *before,
		      char value[CHANGE_VALUE])
{
	char normal[KNOB_VALUE];
	const struct knob *k = knob_find(name);
	if (k && knob_at_boot(k, host_kernel(site->host), host_page_bytes(site->host), value,
			      before, normal))
		snprintf(value, CHANGE_VALUE, "%s", normal);
}

/* What is read after our line and sets the knob; file "": nothing. */
static int later_setting(struct change_site *site, const struct change *of,
			 struct sysctl_setting *later, struct err *e)
{
	struct sysctl_setting by;
	int rc = sysctl_d_override(site->files, sysctl_d_reader(site->host), of->name, later, e);
	bool reapplied = tuned_reapplies(site->host);
	if (rc == 0 && module_sets(site->host, of->name, &by)) {
		*later = by;
		return 0;
	}
	if (rc == 0 && !reapplied && ufw_find(site->host, of->name, &by))
		*later = by;
	const char *before = later->file[0] ? later->value : of->to;
	if (rc == 0 && !reapplied &&
	    tuned_find(site->host, of->name, before, &by) == SYSCTL_BOOT_SET)
		*later = by;
	return rc;
}

/* The kube-proxy of a node sets nf_conntrack_max at each start, by default to 32768 for each CPU:
 * Kubernetes pkg/proxy/apis/config/v1alpha1/defaults.go. The value before the change is its mark.
 */
static void add_kube_proxy(struct change_site *site, const struct change *of,
			   struct manual_step *step)
{
	enum { PER_CPU = 32768, LEAST = 131072 };
	struct host_facts facts;
	int64_t from;
	if (strcmp(of->name, "net.netfilter.nf_conntrack_max") != 0 ||
	    knob_field(of->from, 0, &from) < 0 || !host_has_kube_proxy(site->host))
		return;
	host_facts(site->host, &facts);
	int64_t set = (int64_t)facts.cpus * PER_CPU;
	if (from != (set > LEAST ? set : LEAST))
		return;
	report_text(step->why, "kube-proxy, if it runs here, sets %" PRId64 " again at its start",
		    from);
	report_text(step->action, "set conntrack.maxPerCore: 0 in its configuration: kubectl -n "
				  "kube-system edit configmap kube-proxy");
}

/* By a module that is loaded later, a line of a later file, or a program. */
static int file_overridden(struct change_site *site, const struct change *of,
			   struct manual_step *step, struct err *e)
{
	struct sysctl_setting later;
	char command[MODULE_COMMAND];
	const char *module = module_late(site->host, of->name);
	if (module) {
		report_text(step->why,
			    "exists only while %s is loaded, often later than the files are read",
			    module);
		report_text(step->action, "load it first: %s", module_command(module, command));
		return 0;
	}
	const struct sysctl_idle *idle = sysctl_boot_idle(site->files);
	if (idle) {
		report_text(step->why, "%s", idle->why);
		report_text(step->action, "run: %s", idle->command);
		return 0;
	}
	int rc = later_setting(site, of, &later, e);
	if (rc == 0)
		add_kube_proxy(site, of, step);
	if (rc < 0 || !later.file[0])
		return rc;
	normalize(site, of->name, of->from, later.value);
	if (!later.exclude && change_met(of, later.value))
		return 0;
	report_text(step->why, "at the next boot %s:%u overrides our line: %s%.60s", later.file,
		    later.line, later.exclude ? "excludes the knob" : "sets ",
		    later.exclude ? "" : change_shown(later.value));
	report_text(step->action, "remove or change that line to keep the value");
	return 0;
}

static int file_look(struct change_site *site, const char *name, struct persisted *out,
		     struct err *e)
{
	struct sysctl_setting set = {0}, conf = {0}, boot;
	enum sysctl_reader reader = sysctl_d_reader(site->host);
	int rc = sysctl_read(site, name, out->running, e);
	if (rc == 0)
		rc = sysctl_d_find(site->files, reader, name, &set, e);
	if (rc == 0 && reader == SYSCTL_SYSTEMD)
		rc = sysctl_d_find_conf(site->files, name, &conf, e);
	if (rc < 0)
		return rc;
	boot = set;
	bool settled = sysctl_boot_settle(site->host, name, &boot) == SYSCTL_BOOT_SET &&
		       file_layer(boot.file) != LAYER_OTHER,
	     by_profile = settled && strcmp(boot.file, set.file) != 0;
	if (settled)
		set = boot;
	memcpy(out->files, set.value, sizeof(out->files));
	memcpy(out->file, set.file, sizeof(out->file));
	memcpy(out->conf, conf.value, sizeof(out->conf));
	out->line = set.line;
	out->excluded = set.exclude;
	out->ours = set.ours;
	out->module = module_late(site->host, name);
	const struct sysctl_idle *idle = sysctl_boot_idle(site->files);
	out->unread = idle && !by_profile ? idle->why : NULL;
	normalize(site, name, out->running, out->files);
	normalize(site, name, out->running, out->conf);
	return 0;
}

static const struct change_file file = {
	.directory = DROPIN_DIRECTORY,
	.path = file_path,
	.setting = file_setting,
	.line = file_line,
	.overridden = file_overridden,
	.look = file_look,
};

const struct change_kind kind_sysctl_d = {
	.name = "sysctl.d",
	.check = file_check,
	.read = file_read,
	.write = file_write,
	.file = &file,
};
