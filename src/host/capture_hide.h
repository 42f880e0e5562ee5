/* capture_hide: replaces what is private in what a capture takes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/listener.h"

#define HIDE_ROOM 16 /* bytes behind a text that hide_text() may use */

/* The same address becomes the same in all files of a capture. */
struct hiding {
	bool addresses; /* and the name of the host: they stay */
	void *aliases;  /* of tsearch(3) */
	uint32_t alias_count, devices;
};

void hiding_free(struct hiding *f);
/* Of the file with this path. Whether it changed the text. */
bool hide_text(struct hiding *f, const char *path, char *text);
/* Clears the attributes of a reply to RTM_GETLINK that are not read. */
void hide_links(unsigned char *data, size_t size);
void hide_listener(struct hiding *f, struct listener *l);
