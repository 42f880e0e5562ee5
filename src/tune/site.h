/* site: the interfaces of a change site, read once. */
#pragma once

#include <stdio.h>

#include "tune/change.h"

/* All interfaces with name, link and statistics; valid until site_refresh(). */
int site_nics(struct change_site *site, const struct nics **all, struct err *e);
/* One interface with its settings; valid until the next call. */
int site_nic(struct change_site *site, const char *name, const struct nic **n, struct err *e);
/* The version of systemd-udevd, which reads .link files; 0: unknown, or there is none. */
unsigned site_udev(struct change_site *site);
/* Opens the file "PATHMORE" below the root of the site; NULL. */
FILE *site_open(const struct change_site *site, const char *path, const char *more);
/* Forgets what was read: the next call reads again. */
void site_refresh(struct change_site *site);
