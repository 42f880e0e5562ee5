/* Files that set an interface at the next boot, identified by its hardware address: a .link file of
 * systemd-udevd (rings, channels, coalescing; systemd.link(5)) and a udev rule (NAPI, RPS). Change
 * kinds "link" and "udev"; names as of the kind "device", values as in dropin.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/layer.h"
#include "base/systemd_value.h"
#include "epolltune/cleanup.h"
#include "epolltune/report.h"
#include "tune/device.h"
#include "tune/device_link.h"
#include "tune/device_profile.h"
#include "tune/dropin.h"
#include "tune/kind.h"
#include "tune/persist.h"
#include "tune/site.h"

#define UDEV_DIRECTORY "/etc/udev/rules.d"
#define PERMANENT_SINCE 245 /* the version of systemd that has PermanentMACAddress= */

static bool is_link(const struct device_name *d) { return d->setting->link != NULL; }

/* "RxBufferSize=512" */
static bool link_sets(const char *line, size_t length, const char *option)
{
	size_t n = strlen(option);
	return length > n && !strncmp(line, option, n) && line[n] == '=';
}

/* A rule of ours ends with its one assignment: ", ATTR{gro_flush_timeout}=\"0\"". */
static bool udev_sets(const char *line, size_t length, const char *attribute)
{
	const char *at = memmem(line, length, attribute, strlen(attribute));
	return *line != '#' && at != NULL;
}

/* What identifies a device at the next boot. */
struct card {
	char address[24]; /* permanent if known: bonds give their ports another one */
	bool permanent;   /* match it by PermanentMACAddress= */
	uint32_t index;
	char policy[400]; /* for its name and address: lines of a [Link] section */
};

/* A master such as hv_netvsc and its function have one address, and so would have one file. */
static int card_alone(struct change_site *site, const struct nic *n, struct err *e)
{
	const struct nics *all;
	int rc = site_nics(site, &all, e);
	for (size_t i = 0; rc == 0 && i < all->count; i++) {
		const struct nic *other = &all->at[i], *above = nics_master(all, other);
		if ((other == nics_master(all, n) || (above && above->index == n->index)) &&
		    !strcmp(other->address, n->address))
			rc = err_set(
				e, EOPNOTSUPP,
				"%s: %s has its hardware address too; set it at boot by a file "
				"of your own that names the driver, %s",
				n->name, other->name, n->driver);
	}
	return rc;
}

/* -EOPNOTSUPP for VLANs and bridges: their address is that of another device. */
static int card_find(struct change_site *site, const struct device_name *d, struct card *c,
		     struct err *e)
{
	const struct nic *n;
	*c = (struct card){0};
	int rc = site_nic(site, d->nic, &n, e);
	if (rc < 0)
		return rc;
	if (d->setting->group == GROUP_CHANNELS && nic_split_channels(n))
		return err_set(
			e, EOPNOTSUPP,
			"%s: epolltune cannot persist separate receive and transmit channels",
			d->nic);
	if (!n->address[0] || !n->physical)
		return err_set(e, EOPNOTSUPP,
			       "%s: no hardware address of its own "
			       "that could identify it at the next boot",
			       d->nic);
	rc = card_alone(site, n, e);
	if (rc < 0)
		return rc;
	/* At boot MACAddress= is the permanent one too, before a bond gives its ports another. */
	c->permanent = n->permanent[0] && is_link(d) && site_udev(site) >= PERMANENT_SINCE;
	memcpy(c->address, n->permanent[0] ? n->permanent : n->address, sizeof(c->address));
	c->index = n->index;
	return 0;
}

/* systemd-udevd ignores an option that it does not know, with a line in the log. */
static int link_known(struct change_site *site, const struct device_name *d, struct err *e)
{
	unsigned version = site_udev(site);
	const char *option = d->setting->link;
	if (!is_link(d) || version >= d->setting->link_since)
		return 0;
	if (version)
		return err_set(e, EOPNOTSUPP,
			       "%s: systemd-udevd %u does not have %s=, which %u has; "
			       "run ethtool %s at boot by a unit of your own",
			       d->nic, version, option, d->setting->link_since,
			       d->setting->ethtool[0]);
	return err_set(e, EOPNOTSUPP,
		       "%s: systemd-udevd, which reads the files, is not there or does not print "
		       "its version; %s= needs %u",
		       d->nic, option, d->setting->link_since);
}

/* systemd-udevd applies one .link file to an interface, the first by name. Ours may replace only
 * the default, whose policy it repeats: otherwise the name of the interface could change. */
static int card_policy(struct change_site *site, const struct device_name *d, const char *own,
		       const char *line, struct card *c, struct err *e)
{
	char applied[LINK_PATH], remedy[LINK_REMEDY];
	int rc = link_applied(site, d->nic, c->index, applied, e);
	const char *file = basename(applied);
	if (rc < 0 || !is_link(d) || !*applied)
		return rc;
	if (strcmp(file, LINK_DEFAULT) != 0 && strcmp(file, own) != 0)
		return err_set(e, EOPNOTSUPP, "%s: only one .link file applies to it, %s: %s",
			       d->nic, applied, link_remedy(site, applied, line, remedy));
	return link_policy(site, c->policy, e);
}

/* The file of a setting. `card` may be NULL unless the file is to be created. */
static struct dropin_place place_of(const struct device_name *d, const struct card *card)
{
	struct dropin_place place = {
		.directory = is_link(d) ? LINK_DIRECTORY : UDEV_DIRECTORY,
		.sets = is_link(d) ? link_sets : udev_sets,
		.of = is_link(d) ? d->setting->link : d->setting->sysfs,
	};
	snprintf(place.file, sizeof(place.file),
		 DROPIN_PREFIX "-"
			       "%s%s",
		 d->nic, is_link(d) ? ".link" : ".rules");
	/* Without the card, lines that end in "=" match any value, see dropin.c. */
	if (is_link(d))
		snprintf(place.head, sizeof(place.head),
			 DROPIN_HEAD "[Match]\n"
				     "%sMACAddress=%s\n"
				     "Path=*\n"
				     "\n"
				     "[Link]\n"
				     "# As in " LINK_DEFAULT ", which this file replaces:\n"
				     "%s"
				     "# The settings:\n",
			 !card             ? "PermanentMACAddress=\n"
			 : card->permanent ? "Permanent"
					   : "",
			 card ? card->address : "",
			 card ? card->policy
			      : "NamePolicy=\nAlternativeNamesPolicy=\nMACAddressPolicy=\n");
	else
		snprintf(place.head, sizeof(place.head), "%s", DROPIN_HEAD);
	return place;
}

/* Refuses an older file of ours that names another card. */
static int card_same(const struct change_site *site, const struct dropin_place *place,
		     const struct card *c, struct err *e)
{
	char line[512];
	bool named = false, any = false;
	char path[128];
	snprintf(path, sizeof(path), "/%s", place->file);
	CLEAN(close_file) FILE *own = site_open(site, place->directory, path);
	while (own && fgets(line, sizeof(line), own)) {
		any |= strcasestr(line, "address=") != NULL;
		named |= strcasestr(line, c->address) != NULL;
	}
	if (!any || named)
		return 0;
	return err_set(e, EOPNOTSUPP,
		       "%s%s is for another card than %s: roll back its run or remove it",
		       place->directory, path, c->address);
}

/* Also of a line that an earlier version wrote and device_file() has none for. */
static int place_named(const char *name, struct device_name *d, struct dropin_place *place,
		       struct err *e)
{
	if (!device_parse(name, d) || d->queue >= 0 || !(d->setting->link || d->setting->sysfs))
		return err_set(e, EINVAL, "%s: no file can hold this setting", name);
	*place = place_of(d, NULL);
	return 0;
}

static void file_path(const char *name, char path[CHANGE_FILE])
{
	struct device_name d;
	struct dropin_place place;
	struct err ignored;
	path[0] = 0;
	if (place_named(name, &d, &place, &ignored) == 0)
		snprintf(path, CHANGE_FILE, "%s/%s", place.directory, place.file);
}

/* "RxBufferSize=512", or a udev rule. */
static void setting_line(const struct device_name *d, const struct card *card, const char *set_to,
			 char line[CHANGE_VALUE])
{
	if (is_link(d) && d->setting->boolean)
		snprintf(line, CHANGE_VALUE, "%s=%s", d->setting->link,
			 strcmp(set_to, "0") ? "yes" : "no");
	else if (is_link(d))
		snprintf(line, CHANGE_VALUE, "%s=%.200s%s", d->setting->link, set_to,
			 d->setting->unit ? d->setting->unit : "");
	else if (strchr(d->setting->sysfs, '*')) /* one value for every queue */
		snprintf(line, CHANGE_VALUE,
			 "ACTION==\"add\", SUBSYSTEM==\"net\", ATTR{address}==\"%s\", "
			 "DRIVERS==\"?*\", "
			 "RUN+=\"/bin/sh -c 'for f in /sys/class/net/$name/%s; do echo %.200s "
			 ">$$f; done'\"",
			 card->address, d->setting->sysfs, set_to);
	else
		snprintf(line, CHANGE_VALUE,
			 "ACTION==\"add\", SUBSYSTEM==\"net\", ATTR{address}==\"%s\", "
			 "DRIVERS==\"?*\", "
			 "ATTR{%s}=\"%.200s\"",
			 card->address, d->setting->sysfs, set_to);
}

static int file_line(struct change_site *site, const char *name, const char *set_to,
		     const char *why, const struct change_author *author, char value[CHANGE_VALUE],
		     struct err *e)
{
	struct device_name d;
	struct dropin_place place;
	struct card card;
	char line[CHANGE_VALUE];
	int rc = place_named(name, &d, &place, e);
	if (rc == 0)
		rc = card_find(site, &d, &card, e);
	if (rc == 0)
		rc = link_known(site, &d, e);
	if (rc < 0)
		return rc;
	setting_line(&d, &card, set_to, line);
	rc = card_policy(site, &d, place.file, line, &card, e);
	if (rc == 0)
		rc = card_same(site, &place, &card, e);
	return rc < 0 ? rc : dropin_line(value, line, why, author, e);
}

/* A boolean or a time as the interface has it; what systemd ignores as it is. */
static void link_setting(const struct device_setting *s, const char *value,
			 char setting[CHANGE_VALUE])
{
	uint64_t us;
	int is = s->boolean ? systemd_boolean(value) : -1;
	if (is >= 0)
		snprintf(setting, CHANGE_VALUE, "%d", is);
	else if (s->unit && systemd_time_us(value, &us) && us != SYSTEMD_INFINITY)
		snprintf(setting, CHANGE_VALUE, "%" PRIu64, us);
	else
		snprintf(setting, CHANGE_VALUE, "%s", value);
}

static void file_setting(const char *name, const char *value, char setting[CHANGE_VALUE])
{
	struct device_name d;
	const char *line = dropin_setting(value);
	setting[0] = 0;
	if (!*line || !device_parse(name, &d))
		return;
	const char *echo = strstr(line, "echo ");
	const char *equals = is_link(&d) ? strchr(line, '=') : strrchr(line, '=');
	const char *from = equals ? equals + 1 : "";
	if (is_link(&d)) {
		link_setting(d.setting, from, setting);
		return;
	}
	from = echo ? echo + 5 : *from == '"' ? from + 1 : "";
	snprintf(setting, CHANGE_VALUE, "%.*s", (int)strcspn(from, " \"'"), from);
}

static int file_check(struct change_site *site, const char *name, const char *value, struct err *e)
{
	struct device_name d;
	struct dropin_place place;
	int rc = place_named(name, &d, &place, e);
	return rc < 0 ? rc : place_check(site, &place, e);
}

static int file_read(struct change_site *site, const char *name, char value[CHANGE_VALUE],
		     struct err *e)
{
	struct device_name d;
	struct dropin_place place;
	int rc = place_named(name, &d, &place, e);
	return rc < 0 ? rc : place_read(site, &place, value, e);
}

static int file_write(struct change_site *site, const char *name, const char *value, struct err *e)
{
	struct device_name d;
	struct dropin_place place;
	struct card card;
	int rc = place_named(name, &d, &place, e);
	if (rc < 0)
		return rc;
	/* Only the head of a new file needs the address. */
	char path[512];
	snprintf(path, sizeof(path), "%.300s%s/%s", site->root, place.directory, place.file);
	if (*value && access(path, F_OK) < 0) {
		rc = card_find(site, &d, &card, e);
		if (rc == 0)
			rc = card_policy(site, &d, place.file, dropin_setting(value), &card, e);
		place = place_of(&d, &card);
	}
	return rc < 0 ? rc : place_write(site, &place, value, e);
}

static uint32_t index_of(struct change_site *site, const char *nic)
{
	const struct nic *n;
	struct err ignored;
	return site_nic(site, nic, &n, &ignored) == 0 ? n->index : 0;
}

/* What sets it in place of our line, or where there is none; or a .link file that may apply in
 * place of ours. */
static void look_elsewhere(struct change_site *site, const char *name, const struct device_name *d,
			   struct persisted *out)
{
	struct dropin_place place = place_of(d, NULL);
	struct device_setter by = {0};
	struct card card;
	struct err ignored;
	char line[CHANGE_VALUE], path[LINK_PATH];
	uint32_t index = index_of(site, d->nic);
	if (card_find(site, d, &card, &ignored) < 0)
		card.address[0] = 0;
	link_rival(site, place.file, d->nic, card.address, path);
	if (path[0])
		setting_line(d, &card, out->running, line);
	if (path[0] && !link_find(site, path, d->setting->link, &by)) {
		snprintf(out->rival, sizeof(out->rival), "%s", path);
		link_remedy(site, path, line, out->remedy);
	} else if (path[0] && file_layer(by.file) == LAYER_ETC) {
		snprintf(by.remedy, sizeof(by.remedy), "change it to %.200s", line);
	} else if (path[0]) {
		link_remedy(site, path, line, by.remedy);
	}
	if (!path[0] && !out->files[0] && link_applied(site, d->nic, index, path, &ignored) == 0)
		link_find(site, path, d->setting->link, &by);
	if (device_profile_find(site, d, index, out->running, &by))
		out->rival[0] = 0;
	if (!by.file[0])
		return;
	file_setting(name, by.value, out->files);
	memcpy(out->file, by.file, sizeof(out->file));
	memcpy(out->remedy, by.remedy, sizeof(out->remedy));
	out->line = by.line;
}

static int file_look(struct change_site *site, const char *name, struct persisted *out,
		     struct err *e)
{
	struct device_name d;
	char line[CHANGE_VALUE];
	int rc = kind_device.read(site, name, out->running, e);
	if (rc == 0)
		rc = file_read(site, name, line, e);
	if (rc)
		return rc;
	file_setting(name, line, out->files);
	if (out->files[0])
		file_path(name, out->file);
	if (device_parse(name, &d) && is_link(&d))
		look_elsewhere(site, name, &d, out);
	out->ours = out->files[0] && !out->rival[0] && !out->line;
	return 0;
}

/* When this boot began, by the clock of files; 0: unknown. */
static time_t boot_time(const struct host *h)
{
	static const char key[] = "\nbtime ";
	CLEAN(free_pointer) char *text = NULL;
	const char *at = host_read_all(h, "proc/stat", &text, NULL) > 0 ? strstr(text, key) : NULL;
	return at ? (time_t)strtoll(at + strlen(key), NULL, 10) : 0;
}

#define CLOCK_SKEW 60 /* seconds that the clock may be set by after the boot */

/* What systemd-udevd has applied at this boot, when its line was there already. */
static bool set_at_boot(struct change_site *site, const char *name, const struct device_name *d,
			struct device_setter *by, char value[CHANGE_VALUE])
{
	char path[LINK_PATH], full[LINK_PATH + 320];
	struct err ignored;
	struct stat st;
	time_t boot = boot_time(site->host);
	if (link_applied(site, d->nic, index_of(site, d->nic), path, &ignored) < 0 || !path[0] ||
	    !link_find(site, path, d->setting->link, by))
		return false;
	snprintf(full, sizeof(full), "%.300s%s", site->root, by->file);
	file_setting(name, by->value, value);
	return stat(full, &st) == 0 && st.st_mtime + CLOCK_SKEW < boot;
}

/* By the configuration of the network, which is applied after systemd-udevd; or by the driver,
 * which has not taken the same line at this boot. */
static int link_overridden(struct change_site *site, const struct change *of,
			   struct manual_step *step, struct err *e)
{
	struct device_name d;
	struct device_setter by = {0};
	char value[CHANGE_VALUE];
	if (!device_parse(of->name, &d))
		return 0;
	if (!device_profile_find(site, &d, index_of(site, d.nic), of->to, &by)) {
		if (!set_at_boot(site, of->name, &d, &by, value) || !change_gives(of, value) ||
		    !strcmp(of->from, value))
			return 0;
		report_text(
			step->why,
			"%.90s:%u has had %.20s since before this boot, but %.20s was in force: the driver "
			"refused it, or a program changed it later",
			by.file, by.line, value, change_shown(of->from));
		report_text(step->action, "see: journalctl -b -u systemd-udevd | grep -w %s",
			    d.nic);
		return 0;
	}
	file_setting(of->name, by.value, value);
	if (change_gives(of, value))
		return 0;
	report_text(step->why,
		    "%.120s:%u sets %.20s when the network is configured, after our line", by.file,
		    by.line, value);
	report_text(step->action, "%s", by.remedy);
	return 0;
}

#define FILE_OPERATIONS                                                                            \
	.optional = true, .path = file_path, .setting = file_setting, .line = file_line,           \
	.look = file_look

static const struct change_file link_file = {
	.directory = LINK_DIRECTORY, .overridden = link_overridden, FILE_OPERATIONS};
static const struct change_file udev_file = {.directory = UDEV_DIRECTORY, FILE_OPERATIONS};

const struct change_kind kind_link = {"link", file_check, file_read, file_write,
				      .file = &link_file};
const struct change_kind kind_udev = {"udev", file_check, file_read, file_write,
				      .file = &udev_file};
