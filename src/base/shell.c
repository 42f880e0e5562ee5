#include "base/shell.h"

#include <stdio.h>
#include <string.h>

size_t shell_word(char *at, size_t room, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "@%+=:,./_-";
	if (*word && !word[strspn(word, safe)])
		return (size_t)snprintf(at, room, "%s", word);
	size_t n = (size_t)snprintf(at, room, "'");
	for (; *word; word++)
		n += (size_t)snprintf(at + (n < room ? n : room), n < room ? room - n : 0,
				      *word == '\'' ? "'\\''" : "%c", *word);
	return n + (size_t)snprintf(at + (n < room ? n : room), n < room ? room - n : 0, "'");
}
