/* Feeds bytes to the parsers of netlink replies: the first byte selects the request. `make fuzz`
 * builds it with libFuzzer; tests/unit/test_nic_reply runs it on damaged replies. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/nic_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum nic_request what = data[0] % NIC_REQUESTS;
	struct reply reply = {.data = malloc(size), .size = size - 1};
	struct err e;
	if (!reply.data)
		return 0;
	/* A copy is aligned, and a sanitizer sees every access beyond its end. */
	memcpy(reply.data, data + 1, size - 1);
	reply.data = realloc(reply.data, size > 1 ? size - 1 : 1);
	if (what == NIC_LINKS) {
		struct nics nics = {0};
		reply_links(&reply, &nics, &e);
		for (size_t i = 0; i < nics.count; i++)
			if (!memchr(nics.at[i].name, 0, NIC_NAME) || strchr(nics.at[i].name, '/'))
				abort();
		nics_free(&nics);
	} else {
		struct nic nic = {.index = 4};
		reply_take(what, &reply, &nic, &e);
		nic_release(&nic);
	}
	reply_free(&reply);
	return 0;
}
