/* Netlink requests about interfaces, live or from a capture. */
#include "host/nic_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool_netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "epolltune/cleanup.h"
#include "host/machine.h"

enum family { FAMILY_ROUTE, FAMILY_ETHTOOL, FAMILY_NETDEV, FAMILIES };
static const char *const family_names[] = {"rtnetlink", "ethtool", "netdev"};

#define ETHTOOL_MSG_RSS_GET_6_3 38

/* The ethtool family names the interface in attribute 1, a nest; the netdev family, whose requests
 * are dumps, in attribute `index`. */
static const struct {
	const char *name;
	enum family family;
	uint8_t command;
	uint16_t index;
} requests[] = {
	[NIC_LINKS] = {"links", FAMILY_ROUTE, 0, 0},
	[NIC_LINKMODES] = {"linkmodes", FAMILY_ETHTOOL, ETHTOOL_MSG_LINKMODES_GET, 0},
	[NIC_RINGS] = {"rings", FAMILY_ETHTOOL, ETHTOOL_MSG_RINGS_GET, 0},
	[NIC_CHANNELS] = {"channels", FAMILY_ETHTOOL, ETHTOOL_MSG_CHANNELS_GET, 0},
	[NIC_COALESCE] = {"coalesce", FAMILY_ETHTOOL, ETHTOOL_MSG_COALESCE_GET, 0},
	[NIC_FEATURES] = {"features", FAMILY_ETHTOOL, ETHTOOL_MSG_FEATURES_GET, 0},
	[NIC_RSS] = {"rss", FAMILY_ETHTOOL, ETHTOOL_MSG_RSS_GET_6_3, 0},
	[NIC_QUEUES] = {"queues", FAMILY_NETDEV, NETDEV_CMD_QUEUE_GET, NETDEV_A_QUEUE_IFINDEX},
	[NIC_NAPIS] = {"napis", FAMILY_NETDEV, NETDEV_CMD_NAPI_GET, NETDEV_A_NAPI_IFINDEX},
	[NIC_QSTATS] = {"qstats", FAMILY_NETDEV, NETDEV_CMD_QSTATS_GET, NETDEV_A_QSTATS_IFINDEX},
};

struct nic_asker {
	const struct host *host;
	struct nl_sock *route, *generic;
	int id[FAMILIES]; /* of each family; negative errno if the kernel lacks it */
};

/* With a timeout, for a reply that never arrives. */
static int socket_open(struct nl_sock **out, int protocol, struct err *e)
{
	struct timeval patience = {.tv_sec = 2};
	struct nl_sock *s = nl_socket_alloc();
	if (!s)
		return err_set(e, ENOMEM, "cannot open a netlink socket: out of memory");
	int r = nl_connect(s, protocol);
	if (r < 0) {
		nl_socket_free(s);
		return machine_netlink_error(e, r, "cannot open a netlink socket");
	}
	int on = 1, fd = nl_socket_get_fd(s);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*out = s;
	return 0;
}

int nic_asker_open(struct nic_asker **out, const struct host *h, struct err *e)
{
	*out = NULL;
	CLEAN(nic_asker_closep) struct nic_asker *a = calloc(1, sizeof(*a));
	if (!a)
		return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
	a->host = h;
	if (host_live(h) || filling_live(h)) {
		int r = socket_open(&a->route, NETLINK_ROUTE, e);
		if (r < 0)
			return r;
		a->id[FAMILY_ROUTE] = 1;
		/* Without generic netlink, links and sysfs remain. */
		r = socket_open(&a->generic, NETLINK_GENERIC, NULL);
		for (enum family f = FAMILY_ETHTOOL; f < FAMILIES; f++) {
			int id = r < 0 ? r : genl_ctrl_resolve(a->generic, family_names[f]);
			a->id[f] = id < 0 ? -EOPNOTSUPP : id;
		}
	}
	*out = a;
	a = NULL;
	return 0;
}

void nic_asker_close(struct nic_asker *a)
{
	if (!a)
		return;
	if (a->route)
		nl_socket_free(a->route);
	if (a->generic)
		nl_socket_free(a->generic);
	free(a);
}

static int reply_add(struct reply *r, const void *data, size_t size, struct err *e)
{
	if (size > REPLY_MAX - r->size)
		return err_set(e, EFBIG, "netlink reply exceeds 16 MiB");
	unsigned char *more = realloc(r->data, r->size + size);
	if (!more)
		return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
	memcpy(more + r->size, data, size);
	r->data = more;
	r->size += size;
	return 0;
}

static struct nl_msg *message_make(const struct nic_asker *a, enum nic_request what, uint32_t index)
{
	CLEAN(machine_message_free) struct nl_msg *m = nlmsg_alloc();
	enum family family = requests[what].family;
	if (!m)
		return NULL;
	if (family == FAMILY_ROUTE) {
		struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
		struct nlmsghdr *h = nlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, RTM_GETLINK, 0,
					       NLM_F_REQUEST | NLM_F_DUMP);
		if (!h || nlmsg_append(m, &all, sizeof(all), NLMSG_ALIGNTO) < 0)
			return NULL;
	} else {
		int dump = family == FAMILY_NETDEV ? NLM_F_DUMP : 0;
		if (!genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, a->id[family], 0,
				 NLM_F_REQUEST | dump, requests[what].command, 1))
			return NULL;
		struct nlattr *nest = NULL;
		uint16_t attribute = requests[what].index;
		if (family == FAMILY_ETHTOOL) {
			attribute = ETHTOOL_A_HEADER_DEV_INDEX;
			nest = nla_nest_start(m, ETHTOOL_A_RINGS_HEADER);
			if (!nest)
				return NULL;
		}
		if (nla_put_u32(m, attribute, index) < 0)
			return NULL;
		if (what == NIC_QSTATS && nla_put_u32(m, NETDEV_A_QSTATS_SCOPE, 1) < 0)
			return NULL;
		if (nest)
			nla_nest_end(m, nest);
	}
	struct nl_msg *made = m;
	m = NULL;
	return made;
}

/* The kernel's text for an error, if any (NETLINK_EXT_ACK, Linux 4.12). */
static void ack_text(const struct nlmsghdr *m, char *text, size_t size)
{
	struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];
	int skip = (int)sizeof(int) + (int)sizeof(struct nlmsghdr);
	if (!(m->nlmsg_flags & NLM_F_ACK_TLVS) || nlmsg_datalen(m) < skip)
		return;
	if (!(m->nlmsg_flags & NLM_F_CAPPED)) { /* our request follows its header */
		struct nlmsghdr request;
		memcpy(&request, (const char *)nlmsg_data(m) + sizeof(int), sizeof(request));
		uint32_t payload = request.nlmsg_len - (uint32_t)sizeof(request);
		if (payload > (uint32_t)(nlmsg_datalen(m) - skip))
			return;
		skip += (int)NLMSG_ALIGN(payload);
	}
	if (nla_parse(tb, NLMSGERR_ATTR_MSG, (struct nlattr *)((char *)nlmsg_data(m) + skip),
		      nlmsg_datalen(m) - skip, NULL) == 0 &&
	    tb[NLMSGERR_ATTR_MSG])
		snprintf(text, size, "%.*s", nla_len(tb[NLMSGERR_ATTR_MSG]),
			 (const char *)nla_data(tb[NLMSGERR_ATTR_MSG]));
}

#define ACK_TEXT 160

/* Parses one datagram: 1 if the reply is complete, 0 if more follows, a negative errno if the
 * kernel reports an error. */
static int datagram_end(const unsigned char *data, int size, uint32_t sequence, char *text)
{
	const struct nlmsghdr *m = (const void *)data;
	for (; nlmsg_ok(m, size); m = nlmsg_next((struct nlmsghdr *)m, &size)) {
		int code = 0;
		if (m->nlmsg_seq != sequence)
			continue;
		if (m->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if ((m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE) &&
		    nlmsg_datalen(m) >= (int)sizeof(code))
			memcpy(&code, nlmsg_data(m), sizeof(code));
		if (code && m->nlmsg_type == NLMSG_ERROR)
			ack_text(m, text, ACK_TEXT);
		if (code)
			return code < 0 ? code : -EIO;
		if (m->nlmsg_type == NLMSG_OVERRUN)
			return -EOVERFLOW;
		if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE ||
		    !(m->nlmsg_flags & NLM_F_MULTI))
			return 1;
	}
	return 0;
}

/* Sends a message and receives the reply. `text`, of ACK_TEXT bytes, gets the kernel's reason for
 * an error; errors of the exchange itself fill `e`. */
static int exchange(struct nl_sock *s, struct nl_msg *m, struct reply *out, char *text,
		    struct err *e)
{
	nl_complete_msg(s, m);
	uint32_t sequence = nlmsg_hdr(m)->nlmsg_seq;
	int r = nl_send(s, m);
	if (r < 0)
		return machine_netlink_error(e, r, "cannot send a netlink request");
	for (r = 0; r == 0;) {
		struct sockaddr_nl from;
		unsigned char *data = NULL;
		int size = nl_recv(s, &from, &data, NULL);
		if (size <= 0)
			return size < 0 ? machine_netlink_error(e, size, "no netlink reply")
					: err_set(e, EIO, "no netlink reply");
		if (from.nl_pid == 0) {
			r = datagram_end(data, size, sequence, text);
			int added = r < 0 ? 0 : reply_add(out, data, (size_t)size, e);
			if (added < 0)
				r = added;
		}
		free(data);
	}
	return r < 0 ? r : 0;
}

int nic_family(const struct nic_asker *a, const char *name, struct err *e)
{
	if (!host_live(a->host))
		return err_set(e, EROFS, "a captured machine is read-only");
	for (enum family f = FAMILY_ETHTOOL; f < FAMILIES; f++)
		if (!strcmp(family_names[f], name) && a->id[f] >= 0)
			return a->id[f];
	return err_set(e, EOPNOTSUPP, "this kernel has no netlink family \"%s\"", name);
}

int nic_tell(struct nic_asker *a, struct nl_msg *m, const char *what, struct err *e)
{
	struct reply reply = {0};
	char text[ACK_TEXT] = "";
	nlmsg_hdr(m)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	struct err own = {0};
	int r = exchange(a->generic, m, &reply, text, &own);
	reply_free(&reply);
	if (r < 0 && own.code)
		return err_set(e, own.code, "%s: %s", what, own.text);
	if (r < 0)
		return err_set(e, -r, "%s: %s%s%s", what, strerror(-r), text[0] ? ": " : "", text);
	return 0;
}

#define REPLY_PATH 80

static void reply_path(enum nic_request what, const char *name, char path[REPLY_PATH])
{
	if (what == NIC_LINKS)
		snprintf(path, REPLY_PATH, "netlink/links.bin");
	else
		snprintf(path, REPLY_PATH, "netlink/%s.%s.bin", name, requests[what].name);
}

static int reply_from_file(const struct host *h, const char *path, struct reply *out, struct err *e)
{
	CLEAN(close_fd) int fd = machine_open(h, path, O_RDONLY, "read", e);
	struct stat st;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, "cannot read %s/%s", h->root, path);
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > REPLY_MAX)
		return err_set(e, EINVAL, "%s/%s: not a recorded netlink reply", h->root, path);
	for (;;) {
		unsigned char part[16384];
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, part, sizeof(part)));
		if (n < 0)
			return err_errno(e, "cannot read %s/%s", h->root, path);
		if (n == 0)
			return 0;
		int r = reply_add(out, part, (size_t)n, e);
		if (r < 0)
			return r;
	}
}

static int reply_of_kernel(struct nic_asker *a, enum nic_request what, const struct nic *of,
			   struct reply *out, struct err *e)
{
	const char *name = what == NIC_LINKS ? "all interfaces" : of->name;
	enum family family = requests[what].family;
	if (a->id[family] < 0)
		return err_set(e, EOPNOTSUPP, "this kernel has no netlink family \"%s\"",
			       family_names[family]);
	for (int attempt = 0;; attempt++) {
		CLEAN(machine_message_free)
		struct nl_msg *m = message_make(a, what, what == NIC_LINKS ? 0 : of->index);
		if (!m)
			return err_set(e, ENOMEM, "cannot read the interfaces: out of memory");
		struct nl_sock *s = family == FAMILY_ROUTE ? a->route : a->generic;
		char unused[ACK_TEXT];
		struct err own = {0};
		int r = exchange(s, m, out, unused, &own);
		if (r == 0)
			return 0;
		reply_free(out);
		/* The kernel's list changed during the dump. */
		if (r == -EINTR && attempt < 5)
			continue;
		if (own.code)
			return err_set(e, own.code, "%s", own.text);
		return err_set(e, -r, "%s: read %s by netlink: %s", name, requests[what].name,
			       strerror(-r));
	}
}

/* Of a host that is filled, the reply becomes a file of it first. */
int nic_ask(struct nic_asker *a, enum nic_request what, const struct nic *of, struct reply *out,
	    struct err *e)
{
	char path[REPLY_PATH];
	int r = 0;
	*out = (struct reply){0};
	if (host_live(a->host))
		return reply_of_kernel(a, what, of, out, e);
	reply_path(what, what == NIC_LINKS ? "" : of->name, path);
	if (filling_live(a->host) && !host_has(a->host, path)) {
		r = reply_of_kernel(a, what, of, out, e);
		if (!r)
			r = filling_reply(a->host, path, out->data, out->size, e);
		reply_free(out);
	}
	if (!r)
		r = reply_from_file(a->host, path, out, e);
	if (r < 0)
		reply_free(out);
	else if (machine_big_endian(a->host) != machine_big_endian(NULL))
		reply_swap(what, out);
	return r;
}

int nic_ask_qdiscs(struct nic_asker *a, struct reply *out, struct err *e)
{
	CLEAN(machine_message_free) struct nl_msg *m = nlmsg_alloc();
	struct tcmsg all = {.tcm_family = AF_UNSPEC};
	char text[ACK_TEXT] = "";
	struct err own = {0};
	*out = (struct reply){0};
	if (!host_live(a->host))
		return err_set(e, EOPNOTSUPP, "a captured machine does not contain its qdiscs");
	if (!m ||
	    !nlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, RTM_GETQDISC, 0, NLM_F_REQUEST | NLM_F_DUMP) ||
	    nlmsg_append(m, &all, sizeof(all), NLMSG_ALIGNTO) < 0)
		return err_set(e, ENOMEM, "cannot read the qdiscs: out of memory");
	int r = exchange(a->route, m, out, text, &own);
	if (r >= 0)
		return 0;
	reply_free(out);
	return err_set(e, own.code ? own.code : -r, "cannot read the qdiscs: %s",
		       own.code ? own.text : strerror(-r));
}
