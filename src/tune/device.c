#include "tune/device.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shell.h"
#include "epolltune/knob.h"
#include "epolltune/report.h"
#include "tune/kind.h"
#include "tune/plan.h"
#include "tune/site.h"

/* As net/core/dev.c dev_valid_name(): it becomes part of paths, and of lines of scripts. */
static bool name_valid(const char *nic, size_t length)
{
	if (length == 0 || length >= NIC_NAME || (nic[0] == '.' && length == 1) ||
	    (length == 2 && !strncmp(nic, "..", 2)))
		return false;
	for (size_t i = 0; i < length; i++)
		if (nic[i] == '/' || (unsigned char)nic[i] <= ' ' || nic[i] == 0x7f)
			return false;
	return true;
}

bool device_parse(const char *name, struct device_name *out)
{
	const char *at = strchr(name, '@');
	*out = (struct device_name){.knob = at ? knob_find(name) : NULL, .queue = -1};
	/* knob_find() also accepts slashes: a journal has one spelling of a name. */
	if (!out->knob || !out->knob->device ||
	    strncmp(out->knob->name, name, (size_t)(at - name)) != 0)
		return false;
	out->setting = out->knob->device;
	const char *nic = at + 1, *colon = strchr(nic, ':');
	size_t length = colon ? (size_t)(colon - nic) : strlen(nic);
	if (!name_valid(nic, length))
		return false;
	memcpy(out->nic, nic, length);
	if (!colon)
		return true;
	char *end;
	unsigned long queue = strtoul(colon + 4, &end, 10);
	if (!out->setting->by_napi || strncmp(colon, ":rx-", 4) != 0 ||
	    !isdigit((unsigned char)colon[4]) || *end || queue > INT16_MAX)
		return false;
	out->queue = (int)queue;
	return true;
}

static int parse(const char *name, struct device_name *out, struct err *e)
{
	return device_parse(name, out)
		       ? 0
		       : err_set(e, EINVAL, "%s is not an interface setting that epolltune knows",
				 name);
}

static int lacking(const struct device_name *d, const struct nic *n, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "%s: its driver or this kernel %s %s%s", d->nic,
		       n->up ? "does not support" : "does not report", d->knob->name,
		       n->up ? "" : " while the interface is down: bring it up");
}

/* Some devices have separate receive and transmit channels. */
static const struct nic_field *field_of(const struct device_setting *s, const struct nic *n,
					bool max)
{
	const char *name = max ? s->max : s->name;
	if (s->group == GROUP_CHANNELS && nic_split_channels(n))
		name = max ? "rx-max" : "rx";
	return name ? nic_field_find(s->group, name) : NULL;
}

static struct nic_number napi_value(const struct nic_napi *p, const struct device_setting *s)
{
	if (s->threads)
		return p->threaded;
	switch (s->napi) {
	case NAPI_DEFER_HARD_IRQS:
		return p->defer_hard_irqs;
	case NAPI_GRO_FLUSH_TIMEOUT:
		return p->gro_flush_timeout;
	case NAPI_IRQ_SUSPEND_TIMEOUT:
		break;
	}
	return p->irq_suspend_timeout;
}

/* The common value of all instances; -ENOTUNIQ if they differ, as rollback could not restore them.
 */
static int agreed(const struct device_name *d, const struct nic *n, struct nic_number *value,
		  struct err *e)
{
	char queue[NIC_NAME + 8];
	snprintf(queue, sizeof(queue), "%s:rx-0", d->nic);
	for (size_t i = 0; i < n->napi_count; i++) {
		struct nic_number one = napi_value(&n->napis[i], d->setting);
		if (!one.known)
			continue;
		if (value->known && one.value != value->value)
			return err_set(
				e, ENOTUNIQ, "%s: its NAPI instances have different settings: %s%s",
				d->nic,
				d->setting->by_napi ? "name a queue, as in @" : "not changed",
				d->setting->by_napi ? queue : "");
		*value = one;
	}
	return 0;
}

/* "00000000,0000000f" as "f". */
static void mask_normalize(char *mask)
{
	char *from = mask + strspn(mask, "0,");
	if (!*from)
		snprintf(mask, 2, "0");
	else
		memmove(mask, from, strlen(from) + 1);
}

static int read_masks(const struct device_name *d, const struct nic *n, char value[CHANGE_VALUE],
		      struct err *e)
{
	value[0] = 0;
	for (size_t i = 0; i < n->queue_count; i++) {
		char mask[CHANGE_VALUE];
		if (n->queues[i].direction != NIC_RX || !n->queues[i].cpus)
			continue;
		snprintf(mask, sizeof(mask), "%s", n->queues[i].cpus);
		mask_normalize(mask);
		if (value[0] && strcmp(value, mask) != 0)
			return err_set(e, ENOTUNIQ,
				       "%s: its queues have different masks: not changed", d->nic);
		memcpy(value, mask, sizeof(mask));
	}
	return value[0] ? 0 : lacking(d, n, e);
}

static int read_number(const struct device_name *d, const struct nic *n, struct nic_number *value,
		       struct err *e)
{
	*value = (struct nic_number){0};
	if (d->queue >= 0) {
		const struct nic_napi *p = nic_napi_of(n, (uint32_t)d->queue);
		if (p)
			*value = napi_value(p, d->setting);
	} else {
		if (d->setting->name)
			*value = nic_get(n, field_of(d->setting, n, false));
		if (d->setting->by_napi || d->setting->threads) {
			int rc = agreed(d, n, value, e);
			if (rc < 0)
				return rc;
		}
	}
	return value->known ? 0 : lacking(d, n, e);
}

static int read_from(const struct device_name *d, const struct nic *n, char value[CHANGE_VALUE],
		     struct err *e)
{
	struct nic_number number;
	if (d->setting->masks)
		return read_masks(d, n, value, e);
	int rc = read_number(d, n, &number, e);
	if (rc == 0)
		snprintf(value, CHANGE_VALUE, "%" PRIu64, number.value);
	return rc;
}

/* A name and its interface. */
static int look_at(struct change_site *site, const char *name, struct device_name *d,
		   const struct nic **n, struct err *e)
{
	int rc = parse(name, d, e);
	return rc < 0 ? rc : site_nic(site, d->nic, n, e);
}

static int device_read(struct change_site *site, const char *name, char value[CHANGE_VALUE],
		       struct err *e)
{
	struct device_name d;
	const struct nic *n;
	int rc = look_at(site, name, &d, &n, e);
	return rc < 0 ? rc : read_from(&d, n, value, e);
}

static int check_mask(const char *name, const char *value, char normal[CHANGE_VALUE], struct err *e)
{
	size_t n = strlen(value);
	if (n == 0 || n >= 300 || strspn(value, "0123456789abcdefABCDEF,") != n)
		return err_set(e, EINVAL, "%s: \"%.40s\" is not a CPU mask such as f", name, value);
	for (size_t i = 0; i <= n; i++)
		normal[i] = (char)tolower((unsigned char)value[i]);
	mask_normalize(normal);
	return 0;
}

static int device_form(const char *name, const char *value, char normal[CHANGE_VALUE],
		       struct err *e)
{
	struct device_name d;
	int rc = parse(name, &d, e);
	if (rc < 0)
		return rc;
	return d.setting->masks ? check_mask(name, value, normal, e)
				: knob_check(d.knob, value, normal, e);
}

static int device_normal(struct change_site *site, const char *name, const char *value,
			 char normal[CHANGE_VALUE], struct err *e)
{
	struct device_name d;
	const struct nic *n;
	char now[CHANGE_VALUE];
	int rc = look_at(site, name, &d, &n, e);
	if (rc == 0)
		rc = read_from(&d, n, now, e);
	if (rc == 0)
		rc = device_form(name, value, normal, e);
	if (rc < 0)
		return rc;
	const struct nic_field *max = d.setting->name ? field_of(d.setting, n, true) : NULL;
	struct nic_number limit = max ? nic_get(n, max) : (struct nic_number){0};
	if (limit.known && strtoull(normal, NULL, 10) > limit.value)
		return err_set(e, ERANGE, "%s: %s is above the maximum of the device: %" PRIu64,
			       name, normal, limit.value);
	return 0;
}

static enum nic_means means_of(const struct device_name *d)
{
	return d->queue >= 0 ? NIC_BY_NAPI_SET : d->setting->means;
}

static int device_check(struct change_site *site, const char *name, const char *value,
			struct err *e)
{
	struct device_name d;
	const struct nic *n;
	char normal[CHANGE_VALUE];
	int rc = device_normal(site, name, value, normal, e);
	if (rc == 0)
		rc = look_at(site, name, &d, &n, e);
	return rc < 0 ? rc : nic_settable(site->host, n, means_of(&d), e);
}

static int write_napis(const struct change_site *site, const struct device_name *d,
		       const struct nic *n, uint64_t value, struct err *e)
{
	enum nic_napi_setting setting = d->setting->napi;
	if (d->queue >= 0) {
		const struct nic_napi *p = nic_napi_of(n, (uint32_t)d->queue);
		return p ? nic_set_napi(site->host, p->id, setting, value, e) : lacking(d, n, e);
	}
	for (size_t i = 0; i < n->napi_count; i++) {
		int rc = nic_set_napi(site->host, n->napis[i].id, setting, value, e);
		if (rc < 0)
			return err_prefix(e, "%s", d->nic);
	}
	return n->napi_count ? 0 : lacking(d, n, e);
}

static int write_to(const struct change_site *site, const char *name, const struct device_name *d,
		    const struct nic *n, const char *value, struct err *e)
{
	if (d->setting->masks)
		return nic_set_rps(site->host, n, value, e);
	char *end;
	errno = 0;
	uint64_t number = strtoull(value, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*value))
		return err_set(e, EINVAL, "%s: \"%s\" is not a number", name, value);
	if (means_of(d) == NIC_BY_NAPI_SET)
		return write_napis(site, d, n, number, e);
	return nic_set(site->host, d->nic, field_of(d->setting, n, false), number, e);
}

static int device_write(struct change_site *site, const char *name, const char *value,
			struct err *e)
{
	struct device_name d;
	const struct nic *n;
	int rc = look_at(site, name, &d, &n, e);
	if (rc == 0)
		rc = write_to(site, name, &d, n, value, e);
	site_refresh(site);
	return rc;
}

/* The address of a PCI card, which survives a reload of its driver; "": another bus, or none. */
static const char *card_of(const struct nic *n)
{
	unsigned domain, bus, device, function;
	int end = 0;
	sscanf(n->bus, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end);
	return end && !n->bus[end] ? n->bus : "";
}

/* The index survives a rename. */
static int device_object(struct change_site *site, const char *name, char object[CHANGE_OBJECT],
			 struct err *e)
{
	struct device_name d;
	const struct nic *n;
	int rc = look_at(site, name, &d, &n, e);
	if (rc == 0)
		snprintf(object, CHANGE_OBJECT, "%u%s%.12s", n->index, *card_of(n) ? " " : "",
			 card_of(n));
	return rc;
}

/* Whether an interface with another index is of the same card: its driver was loaded again, or the
 * provider replaced a virtual function. */
static bool is_of_card(struct change_site *site, const char *nic, const char *card)
{
	const struct nic *n;
	struct err unread;
	return *card && site_nic(site, nic, &n, &unread) == 0 && strcmp(card_of(n), card) == 0;
}

/* A virtual interface that is not here may have been moved: only of a card it is known that it was
 * removed. */
static int device_find(struct change_site *site, const struct change *c, struct err *e)
{
	const struct nics *all;
	struct device_name d;
	char card[CHANGE_OBJECT] = "";
	unsigned index;
	int rc = parse(c->name, &d, e);
	if (rc < 0 || sscanf(c->object, "%u %23s", &index, card) < 1)
		return rc;
	rc = site_nics(site, &all, e);
	if (rc < 0)
		return rc;
	const struct nic *named = nics_find(all, d.nic), *is = nics_at(all, index);
	if (is && is != named)
		return err_set(e, ENODEV, "%s was renamed to %s", d.nic, is->name);
	if (is || (named && is_of_card(site, d.nic, card)))
		return 0;
	if (*card && nic_card_gone(site->host, card))
		return err_set(e, ESTALE, "the card of %s was removed", d.nic);
	if (named)
		return err_set(e, ENODEV, "another interface is named %s now", d.nic);
	return err_set(e, ENODEV,
		       "%s is not in this network namespace: it was removed, or moved to another",
		       d.nic);
}

const struct change_kind *device_file(const char *name)
{
	struct device_name d;
	if (!device_parse(name, &d) || d.queue >= 0)
		return NULL;
	if (d.setting->link)
		return &kind_link;
	return d.setting->sysfs && !d.setting->when_up ? &kind_udev : NULL;
}

static void device_no_file(const struct change *c, char why[CHANGE_WHY])
{
	struct device_name d;
	char path[64], file[160];
	if (!device_parse(c->name, &d) || d.queue >= 0 || !d.setting->when_up) {
		snprintf(why, CHANGE_WHY, "no file can hold a setting of one NAPI instance");
		return;
	}
	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", d.nic, d.setting->sysfs);
	shell_word(file, sizeof(file), path);
	snprintf(why, CHANGE_WHY,
		 "a udev rule comes before the interface is up, and the kernel refuses this until "
		 "the driver has its NAPI instances (EOPNOTSUPP); set it by a unit of your own "
		 "that starts when %s is up: echo %.20s >%s",
		 d.nic, c->to, file);
}

static enum change_scope device_scope(const char *name) { return CHANGE_NETNS; }

static bool device_has(const char *name, char spelled[CHANGE_NAME])
{
	struct device_name d;
	return device_parse(name, &d) && snprintf(spelled, CHANGE_NAME, "%s", name) < CHANGE_NAME;
}

/* Many drivers reset the link for some settings. */
static bool device_allowed(struct change_site *site, const char *name, const struct plan_options *o,
			   char why[200])
{
	struct device_name d;
	const struct nics *all;
	char what[40] = "perhaps your connection";
	if (!device_parse(name, &d) || !d.setting->resets)
		return true;
	bool management_path = true; /* of another machine it is unknown */
	if (site) {
		site_nics(site, &all, NULL);
		management_path = nic_management_path(site->host, all, d.nic, what);
	}
	if (o->allow_reset && (o->confirm || !management_path))
		return true;
	if (!management_path)
		snprintf(why, 200, "%s may briefly lose its link: add --allow-link-reset", d.nic);
	else
		snprintf(why, 200,
			 "%s carries %s and may briefly lose its link: "
			 "add --allow-link-reset and --confirm TIME",
			 d.nic, what);
	return false;
}

static bool device_hidden(const struct err *why, char action[CHANGE_VALUE])
{
	report_text_into(action, CHANGE_VALUE, "%s", why->text);
	return true;
}

static const char *shell_value(const struct device_setting *s, const char *value)
{
	return !s->boolean ? value : strcmp(value, "0") ? "on" : "off";
}

/* By ethtool or sysfs; a comment for settings of netlink only. */
static void device_shell(FILE *out, const struct change *c)
{
	struct device_name d;
	char nic[4 * NIC_NAME + 3]; /* names may hold almost any character */
	if (!device_parse(c->name, &d))
		return;
	shell_word(nic, sizeof(nic), d.nic);
	fprintf(out, "\n# %s (was %s)\n", c->why, c->from);
	if (d.setting->ethtool[0]) {
		fprintf(out, "setting %s %s %s '%s' '%s' '%s'\n", d.setting->ethtool[0] + 1, nic,
			d.setting->ethtool[1], d.setting->ethtool[2],
			shell_value(d.setting, c->from), shell_value(d.setting, c->to));
	} else if (d.setting->masks) {
		/* Not compared: the kernel prints leading zeros, the plan does not. */
		fprintf(out,
			"for f in /sys/class/net/%s/%s; do echo '%s' >\"$f\"; "
			"echo \"$f: $(cat \"$f\")\"; done\n",
			nic, d.setting->sysfs, c->to);
	} else if (d.queue < 0 && d.setting->sysfs) {
		fprintf(out, "change /sys/class/net/%s/%s '%s' '%s'\n", nic, d.setting->sysfs,
			c->from, c->to);
	} else {
		fprintf(out, "# %s = %s: settable by netlink only, use epolltune apply --set\n",
			c->name, c->to);
	}
}

static void device_sysctl(FILE *out, const struct change *c)
{
	fprintf(out, "\n# %s = %s is not a sysctl: use epolltune apply --set\n", c->name, c->to);
}

static const struct change_running running = {
	.has = device_has,
	.scope = device_scope,
	.normal = device_normal,
	.form = device_form,
	.object = device_object,
	.allowed = device_allowed,
	.hidden = device_hidden,
	.find = device_find,
	.file = device_file,
	.no_file = device_no_file,
	.shell = device_shell,
	.sysctl = device_sysctl,
};

const struct change_kind kind_device = {
	.name = "device",
	.check = device_check,
	.read = device_read,
	.write = device_write,
	.running = &running,
};
