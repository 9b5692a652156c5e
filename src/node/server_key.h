/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No password goes under a key that the server has sent: whoever plays the server has one, too. For
 * libmysqlclient alone, whose sha256_password (9.7) asks for the key unless a file names one, and
 * cannot be told not to.
 */
#ifndef CLUSTERCHECKD_NODE_SERVER_KEY_H
#define CLUSTERCHECKD_NODE_SERVER_KEY_H

#include <mysql.h>
#include <stdbool.h>

/* Whether a plugin's packet asks for the key; then `net` gets an error to fail with. */
bool server_key_is_refused(NET *net, const unsigned char *packet, int length);

#endif
