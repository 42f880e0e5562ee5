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

/* "rings", as in a capture's file names. */
const char *nic_request_name(enum nic_request what);

#endif
