/* program_text: what the file of a server's program has as text: its version, the configuration
 * that it was built for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/catalogue.h"

/* The `size` bytes, with the one that ends them, that follow a text in an open file. False: the
 * text is not there, or less follows. */
bool program_text_find(int file, const char *text, char *out, size_t size);

/* The configuration file that a program reads where its command names none, by file->built in the
 * open program; of one that is not readable (-1) by its path, NULL: not known either. False: it is
 * not known. */
#define PROGRAM_FILE 128
bool program_usual_file(int program, const char *path, const struct server_file *file,
			char out[PROGRAM_FILE]);
