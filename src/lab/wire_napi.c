/* The veth wire as an interface that receives through NAPI. */
#include <string.h>

#include "epolltune/cleanup.h"
#include "lab/internal.h"

/* The server's end passes packets to NAPI with generic receive offload on, unless the client's end
 * has left their segmentation to it: drivers/net/veth.c, veth_skb_is_eligible_for_gro(). */
static void client_prepare(const struct host *h)
{
	CLEAN(nics_freep) struct nics nics = {0};
	if (nics_read_one(h, LAB_DEVICE, &nics, NULL) < 0)
		return;
	for (size_t i = 0; i < nics.at->feature_count; i++) {
		const struct nic_feature *f = &nics.at->features[i];
		if (f->active && f->changeable && !strncmp(f->name, "tx-tcp", strlen("tx-tcp")))
			nic_set_feature(h, LAB_DEVICE, f->name, false, NULL);
	}
}

static void server_prepare(const struct host *h, struct wire_napi *napi)
{
	CLEAN(nics_freep) struct nics nics = {0};
	nic_set_feature(h, LAB_DEVICE, "rx-gro", true, NULL);
	if (nics_read_one(h, LAB_DEVICE, &nics, NULL) < 0 || !nics.at->napi_count)
		return;
	napi->id = nics.at->napis[0].id;
	napi->suspends = nics.at->napis[0].irq_suspend_timeout.known;
}

void wire_napi_prepare(const struct host *h, enum lab_host host, struct wire_napi *napi)
{
	if (host == LAB_CLIENT)
		client_prepare(h);
	else
		server_prepare(h, napi);
}

int wire_napi_defer(struct host *h, void *arg, struct err *e)
{
	const struct wire_napi *napi = arg;
	int rc = nic_defer(h, LAB_DEVICE, &napi->next, e);
	if (!rc && napi->suspends)
		rc = nic_set_napi(h, napi->id, NAPI_IRQ_SUSPEND_TIMEOUT, napi->next.suspend_ns, e);
	return rc;
}
