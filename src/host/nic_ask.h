/* nic_ask: asks the kernel about interfaces by netlink. A live host is asked; a captured one has
 * the replies in files (tests/hosts/record writes them), "netlink/links.bin" and
 * "netlink/INTERFACE.REQUEST.bin". */
#ifndef EPOLLTUNE_HOST_NIC_ASK_H
#define EPOLLTUNE_HOST_NIC_ASK_H

#include "host/nic_reply.h"

struct nic_asker;

int nic_asker_open(struct nic_asker **out, const struct host *h, struct err *e);
void nic_asker_close(struct nic_asker *a);
static inline void nic_asker_closep(struct nic_asker **a) { nic_asker_close(*a); }

/* The bytes of the reply; `of` is not looked at for NIC_LINKS. -EOPNOTSUPP: this kernel or driver
 * cannot tell; -ENOENT: a capture without it; -ENODEV: the interface is gone. The caller frees the
 * reply's data. */
int nic_ask(struct nic_asker *a, enum nic_request what, const struct nic *of, struct reply *out,
	    struct err *e);

/* A request that changes something: message of a family (nic_family()), acknowledged by the kernel;
 * its reason, where it gives one, is in the error. `what` begins the error's text. */
struct nl_msg;
int nic_tell(struct nic_asker *a, struct nl_msg *m, const char *what, struct err *e);
/* The id of "ethtool" or "netdev", or -EOPNOTSUPP. */
int nic_family(const struct nic_asker *a, const char *name, struct err *e);

/* "rings", as in a capture's file names. */
const char *nic_request_name(enum nic_request what);

#endif
