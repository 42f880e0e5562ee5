/* nic_ask: netlink requests about interfaces. On a live host the kernel replies; a captured host
 * has the replies in files, "netlink/links.bin" and "netlink/INTERFACE.REQUEST.bin". */
#pragma once

#include "host/nic_reply.h"

struct nic_asker;

int nic_asker_open(struct nic_asker **out, const struct host *h, struct err *e);
void nic_asker_close(struct nic_asker *a);
static inline void nic_asker_closep(struct nic_asker **a) { nic_asker_close(*a); }

/* Requests `what` about the interface `of` (ignored for NIC_LINKS); the caller frees the reply.
 * -EOPNOTSUPP: the kernel or driver does not support it; -ENOENT: the capture lacks it; -ENODEV: no
 * such interface any more. */
int nic_ask(struct nic_asker *a, enum nic_request what, const struct nic *of, struct reply *out,
	    struct err *e);

/* The qdiscs of all interfaces. -EOPNOTSUPP: of a captured machine. */
int nic_ask_qdiscs(struct nic_asker *a, struct reply *out, struct err *e);

/* Sends a message of a family (nic_family()) that changes a setting and waits for the kernel's
 * acknowledgement. The error is "what: reason", with the kernel's own reason if it gives one. */
struct nl_msg;
int nic_tell(struct nic_asker *a, struct nl_msg *m, const char *what, struct err *e);
/* The id of "ethtool" or "netdev", or -EOPNOTSUPP. */
int nic_family(const struct nic_asker *a, const char *name, struct err *e);
