#include "tune/site.h"

#include <stdlib.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/udev.h"

int site_nics(struct change_site *site, const struct nics **all, struct err *e)
{
	int rc = site->all_nics.count ? 0
				      : nics_read(site->host, NIC_STATISTICS, &site->all_nics, e);
	*all = &site->all_nics;
	return rc;
}

int site_nic(struct change_site *site, const char *name, const struct nic **n, struct err *e)
{
	CLEAN(nics_freep) struct nics one = {0};
	struct nics *known = &site->nics;
	*n = nics_find(known, name);
	if (*n)
		return 0;
	int rc = nics_read_one(site->host, name, &one, e);
	if (rc < 0)
		return rc;
	struct nic *more = array_add(&known->at, &known->count, sizeof(*more));
	if (!more)
		return err_errno(e, "cannot read %s", name);
	*more = *one.at;
	*n = more;
	one.count = 0; /* its contents have moved */
	return 0;
}

unsigned site_udev(struct change_site *site)
{
	if (!site->udev_read)
		site->udev = udev_version(site->root);
	site->udev_read = true;
	return site->udev;
}

FILE *site_open(const struct change_site *site, const char *path, const char *more)
{
	char full[1024];
	snprintf(full, sizeof(full), "%.300s%.500s%.200s", site->root, path, more);
	return fopen(full, "re");
}

void site_refresh(struct change_site *site)
{
	nics_free(&site->all_nics);
	nics_free(&site->nics);
}
