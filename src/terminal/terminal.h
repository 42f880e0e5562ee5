/* terminal: the screen of the controlling terminal, its keys and signals. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "epolltune/err.h"

enum terminal_mode {
	TERMINAL_OFF,    /* as it was */
	TERMINAL_KEYS,   /* as it was, but keys come one by one and are not shown */
	TERMINAL_SCREEN, /* the alternate screen, without cursor */
};

/* Keys beyond those that are a character. */
enum { KEY_UP = 256, KEY_DOWN, KEY_RIGHT, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END };

struct terminal {
	int fd; /* does not block; -1: there is none */
	enum terminal_mode mode;
	unsigned width, height;
	char *frame; /* what is not written yet, from `sent` on; NULL: all is */
	size_t size, sent;
};

/* Opens the controlling terminal. Until terminal_close() a fatal signal restores it. */
int terminal_open(struct terminal *t, struct err *e);
/* Restores it. */
void terminal_close(struct terminal *t);
/* -EIO, -ENOTTY: it is gone. */
int terminal_enter(struct terminal *t, enum terminal_mode mode, struct err *e);
/* Stops this process, as ^Z does, and enters the present mode again when it continues. */
int terminal_suspend(struct terminal *t, struct err *e);
/* Reads its size again. */
void terminal_measure(struct terminal *t);
/* Draws a screen of lines, which it frees. One that is still being written is not interrupted: the
 * new one is dropped. */
void terminal_draw(struct terminal *t, char *lines);
/* Writes on, where the terminal did not take all. */
void terminal_flush(struct terminal *t);
/* Reads what was typed. Returns the number of keys; -1: the terminal is gone. */
#define TERMINAL_KEYS_MAX 32
int terminal_keys(struct terminal *t, int keys[TERMINAL_KEYS_MAX]);
