/* Records the kernel's netlink replies about this machine's interfaces for a captured machine:
 *
 *	record_netlink DIRECTORY
 *
 * writes DIRECTORY/links.bin and DIRECTORY/INTERFACE.REQUEST.bin, with no file for a request that
 * the kernel or driver does not support. Hardware addresses become zeros. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/nic_ask.h"

static void host_free(struct host **h) { host_close(*h); }

static void addresses_hide(struct reply *reply)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= reply->size;) {
		struct nlmsghdr *m = (void *)(reply->data + at);
		struct nlattr *a;
		int left;
		if (m->nlmsg_len < sizeof(*m) || m->nlmsg_len > reply->size - at)
			return;
		if (m->nlmsg_type == RTM_NEWLINK)
			nlmsg_for_each_attr(a, m, sizeof(struct ifinfomsg), left)
			{
				if (nla_type(a) == IFLA_ADDRESS || nla_type(a) == IFLA_PERM_ADDRESS)
					memset(nla_data(a), 0, (size_t)nla_len(a));
			}
		at += NLMSG_ALIGN(m->nlmsg_len);
	}
}

static int record(struct nic_asker *a, const char *directory, enum nic_request what,
		  const struct nic *of, struct reply *reply)
{
	struct err e = {0};
	char path[4096];
	if (nic_ask(a, what, of, reply, &e) < 0) {
		fprintf(stderr, "%s %s: %s\n", of ? of->name : "", nic_request_name(what), e.text);
		return what == NIC_LINKS ? -1 : 0;
	}
	if (what == NIC_LINKS)
		addresses_hide(reply);
	snprintf(path, sizeof(path), "%s/%s%s%s.bin", directory, of ? of->name : "", of ? "." : "",
		 nic_request_name(what));
	CLEAN(close_file) FILE *f = fopen(path, "wb");
	if (!f || fwrite(reply->data, 1, reply->size, f) != reply->size || fflush(f) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	CLEAN(host_free) struct host *h = NULL;
	CLEAN(nic_asker_closep) struct nic_asker *a = NULL;
	struct reply links = {0};
	struct nics nics = {0};
	if (argc != 2) {
		fprintf(stderr, "usage: record_netlink DIRECTORY\n");
		return 3;
	}
	if (host_open(&h, "/", &e) < 0 || nic_asker_open(&a, h, &e) < 0) {
		fprintf(stderr, "record_netlink: %s\n", e.text);
		return 3;
	}
	int status = record(a, argv[1], NIC_LINKS, NULL, &links);
	if (status == 0)
		status = reply_links(&links, &nics, &e);
	for (size_t i = 0; status == 0 && i < nics.count; i++)
		for (enum nic_request what = NIC_LINKS + 1; status == 0 && what < NIC_REQUESTS;
		     what++) {
			struct reply reply = {0};
			status = record(a, argv[1], what, &nics.at[i], &reply);
			reply_free(&reply);
		}
	nics_free(&nics);
	reply_free(&links);
	return status == 0 ? 0 : 3;
}
