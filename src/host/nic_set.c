/* Sets rings, channels, coalescing, features and NAPI settings of an interface. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/ethtool_netlink.h>
#include <net/if.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/nic_ask.h"
#include "host/nic_sources.h"

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "cannot set an interface: out of memory");
}

/* Refuses names that no kernel allows: the name becomes part of a path or request. */
static int name_check(const char *nic, struct err *e)
{
	size_t n = strlen(nic);
	if (n == 0 || n >= NIC_NAME || strchr(nic, '/') || !strcmp(nic, ".") || !strcmp(nic, ".."))
		return err_set(e, ENODEV, "%.40s: no such interface", nic);
	return 0;
}

/* A request of the ethtool family, by name: an index may have been reused. */
static struct nl_msg *ethtool_message(int family, uint8_t command, const char *nic)
{
	CLEAN(machine_message_free) struct nl_msg *m = nlmsg_alloc();
	if (!m || !genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, command, 1))
		return NULL;
	struct nlattr *nest = nla_nest_start(m, ETHTOOL_A_RINGS_HEADER | NLA_F_NESTED);
	if (!nest || nla_put_string(m, ETHTOOL_A_HEADER_DEV_NAME, nic) < 0)
		return NULL;
	nla_nest_end(m, nest);
	struct nl_msg *made = m;
	m = NULL;
	return made;
}

/* Refuses a /sys that shows another network namespace's interfaces. */
static int sysfs_shows(const struct host *h, const struct nic *n, struct err *e)
{
	if (nic_in_sysfs(h, n))
		return 0;
	if (!if_nametoindex(n->name))
		return err_set(e, ENODEV, "%s: no such interface", n->name);
	return err_set(e, EXDEV,
		       "%s: /sys shows the interfaces of another network namespace; run first: "
		       "unshare -m, then mount -t sysfs sysfs /sys",
		       n->name);
}

static int sysfs_check(const struct host *h, const char *nic, struct err *e)
{
	CLEAN(nics_freep) struct nics all = {0};
	int r = nics_read(h, NIC_STATISTICS, &all, e);
	const struct nic *n = r < 0 ? NULL : nics_find(&all, nic);
	if (r == 0 && !n)
		return err_set(e, ENODEV, "%s: no such interface", nic);
	return r < 0 ? r : sysfs_shows(h, n, e);
}

static int set_ethtool(const struct host *h, const char *nic, const struct nic_field *f,
		       uint64_t value, struct err *e)
{
	static const uint8_t commands[] = {
		[GROUP_RINGS] = ETHTOOL_MSG_RINGS_SET,
		[GROUP_CHANNELS] = ETHTOOL_MSG_CHANNELS_SET,
		[GROUP_COALESCE] = ETHTOOL_MSG_COALESCE_SET,
	};
	const char *group = nic_group_name(f->group);
	if (!f->settable)
		return err_set(e, EOPNOTSUPP, "%s: %s %s cannot be set", nic, group, f->name);
	if (value > (f->boolean ? 1 : UINT32_MAX))
		return err_set(e, ERANGE, "%s: %s %s: too large", nic, group, f->name);

	CLEAN(nic_asker_closep) struct nic_asker *a = NULL;
	CLEAN(machine_message_free) struct nl_msg *m = NULL;
	char what[80];
	int r = nic_asker_open(&a, h, e);
	int family = r < 0 ? r : nic_family(a, "ethtool", e);
	if (family < 0)
		return family;
	m = ethtool_message(family, commands[f->group], nic);
	if (!m)
		return no_memory(e);
	r = f->boolean ? nla_put_u8(m, f->attribute, (uint8_t)value)
		       : nla_put_u32(m, f->attribute, (uint32_t)value);
	if (r < 0)
		return no_memory(e);
	snprintf(what, sizeof(what), "%s: set %s %s", nic, group, f->name);
	return nic_tell(a, m, what, e);
}

int nic_settable(const struct host *h, const struct nic *n, enum nic_means means, struct err *e)
{
	if (!host_live(h))
		return err_set(e, EROFS, "a captured machine is read-only");
	if (!host_capable(CAP_NET_ADMIN))
		return err_set(e, EPERM, "changing an interface needs CAP_NET_ADMIN");
	if (means != NIC_BY_ETHTOOL && !host_owns_machine(h))
		return err_set(e, EPERM,
			       "this setting needs CAP_NET_ADMIN in the initial user namespace, "
			       "not in a container's");
	return means == NIC_BY_SYSFS ? sysfs_shows(h, n, e) : 0;
}

int nic_set(const struct host *h, const char *nic, const struct nic_field *f, uint64_t value,
	    struct err *e)
{
	int r = name_check(nic, e);
	if (r < 0)
		return r;
	if (f->group != GROUP_NAPI)
		return set_ethtool(h, nic, f, value, e);
	char path[96], text[24];
	r = host_live(h) ? sysfs_check(h, nic, e) : 0;
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "sys/class/net/%s/%s", nic, f->name);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	if (host_live(h) && !host_has(h, path))
		return err_set(e, EOPNOTSUPP, "%s: this kernel has no %s", nic, f->name);
	return host_write(h, path, text, e);
}

int nic_set_rps(const struct host *h, const struct nic *n, const char *mask, struct err *e)
{
	int r = host_live(h) ? sysfs_shows(h, n, e) : 0;
	for (size_t i = 0; r == 0 && i < n->queue_count; i++) {
		char path[96];
		if (n->queues[i].direction != NIC_RX || !n->queues[i].cpus)
			continue;
		snprintf(path, sizeof(path), "sys/class/net/%s/queues/rx-%u/rps_cpus", n->name,
			 n->queues[i].id);
		r = host_write(h, path, mask, e);
	}
	return r;
}

int nic_set_feature(const struct host *h, const char *nic, const char *feature, bool on,
		    struct err *e)
{
	CLEAN(nic_asker_closep) struct nic_asker *a = NULL;
	CLEAN(machine_message_free) struct nl_msg *m = NULL;
	int r = name_check(nic, e);
	if (r == 0)
		r = nic_asker_open(&a, h, e);
	int family = r < 0 ? r : nic_family(a, "ethtool", e);
	if (family < 0)
		return family;
	m = ethtool_message(family, ETHTOOL_MSG_FEATURES_SET, nic);
	if (!m)
		return no_memory(e);
	struct nlattr *set = nla_nest_start(m, ETHTOOL_A_FEATURES_WANTED | NLA_F_NESTED);
	struct nlattr *bits = set ? nla_nest_start(m, ETHTOOL_A_BITSET_BITS | NLA_F_NESTED) : NULL;
	struct nlattr *bit =
		bits ? nla_nest_start(m, ETHTOOL_A_BITSET_BITS_BIT | NLA_F_NESTED) : NULL;
	if (!bit || nla_put_string(m, ETHTOOL_A_BITSET_BIT_NAME, feature) < 0 ||
	    (on && nla_put_flag(m, ETHTOOL_A_BITSET_BIT_VALUE) < 0))
		return no_memory(e);
	nla_nest_end(m, bit);
	nla_nest_end(m, bits);
	nla_nest_end(m, set);
	char what[80];
	snprintf(what, sizeof(what), "%s: set %s %s", nic, feature, on ? "on" : "off");
	return nic_tell(a, m, what, e);
}

int nic_set_napi(const struct host *h, uint32_t napi, enum nic_napi_setting setting, uint64_t value,
		 struct err *e)
{
	static const struct {
		const char *name;
		uint16_t attribute;
		bool wide; /* NLA_UINT: 4 or 8 bytes, depending on the value; otherwise u32 */
	} settings[] = {
		[NAPI_DEFER_HARD_IRQS] = {"defer-hard-irqs", NETDEV_A_NAPI_DEFER_HARD_IRQS, false},
		[NAPI_GRO_FLUSH_TIMEOUT] = {"gro-flush-timeout", NETDEV_A_NAPI_GRO_FLUSH_TIMEOUT,
					    true},
		[NAPI_IRQ_SUSPEND_TIMEOUT] = {"irq-suspend-timeout",
					      NETDEV_A_NAPI_IRQ_SUSPEND_TIMEOUT, true},
	};
	CLEAN(nic_asker_closep) struct nic_asker *a = NULL;
	CLEAN(machine_message_free) struct nl_msg *m = NULL;
	char what[80];
	snprintf(what, sizeof(what), "NAPI instance %u: set %s", napi, settings[setting].name);
	if (value > UINT32_MAX && !settings[setting].wide)
		return err_set(e, ERANGE, "%s: too large", what);
	int r = nic_asker_open(&a, h, e);
	int family = r < 0 ? r : nic_family(a, "netdev", e);
	if (family < 0)
		return family;
	m = nlmsg_alloc();
	if (!m || !genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, NETDEV_CMD_NAPI_SET, 1))
		return no_memory(e);
	uint16_t attribute = settings[setting].attribute;
	if (nla_put_u32(m, NETDEV_A_NAPI_ID, napi) < 0 ||
	    (value > UINT32_MAX ? nla_put_u64(m, attribute, value)
				: nla_put_u32(m, attribute, (uint32_t)value)) < 0)
		return no_memory(e);
	r = nic_tell(a, m, what, e);
	/* -ENOENT: no such instance (net/core/netdev-genl.c, netdev_nl_napi_set_doit()). */
	return r == -ENOENT ? err_recode(e, ENODEV) : r;
}
