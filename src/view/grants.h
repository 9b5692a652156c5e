/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SQL that makes the daemon's account, with as few privileges as it needs.
 */
#ifndef CLUSTERCHECKD_VIEW_GRANTS_H
#define CLUSTERCHECKD_VIEW_GRANTS_H

#include <stdio.h>

/* User and host are quoted as SQL strings; the password is left for the reader to put in. */
void grants_print(const char *user, const char *host, FILE *stream);

#endif
