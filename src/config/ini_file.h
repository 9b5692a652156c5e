/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads an ini file through inih, and refuses what inih would silently bend.
 */
#ifndef CLUSTERCHECKD_CONFIG_INI_FILE_H
#define CLUSTERCHECKD_CONFIG_INI_FILE_H

#include <stdio.h>

#include "base/text.h"

/*
 * Called per section, with a NULL key, and per key, in the order of the file. On failure it returns
 * < 0 with its message in `error`.
 */
typedef int (*ini_file_handler)(void *context, unsigned int line, const char *section,
				const char *key, const char *value, struct text *error);

/* 0, or -EINVAL with "NAME:LINE: message" in `error`. The caller keeps the stream. */
int ini_file_read(FILE *stream, const char *name, ini_file_handler handler, void *context,
		  struct text *error);

#endif
