/* shell: words of commands that an operator pastes. */
#pragma once

#include <stddef.h>

/* Quotes one word where a shell needs it. Returns the length needed, as snprintf() does. */
size_t shell_word(char *at, size_t room, const char *word);
