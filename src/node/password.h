/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The password of a login: from its file, from a systemd credential, or as configured. Read anew
 * for each login, so that a rotated one needs no reload.
 */
#ifndef CLUSTERCHECKD_NODE_PASSWORD_H
#define CLUSTERCHECKD_NODE_PASSWORD_H

#include <stddef.h>

#include "base/text.h"
#include "config/config.h"

/* Returns 0, or negative with the reason in `why`. The caller clears `password` after use. */
int password_find(const struct mysql_settings *settings, char *password, size_t size,
		  struct text *why);

#endif
