/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's half of mysql_native_password: what accounts of MariaDB, and of MySQL up to 8.0, use
 * unless told otherwise. libmysqlclient 9 has it in a loadable module only, which distributions
 * leave out (Debian's 9.7 does). For that library alone.
 */
#ifndef CLUSTERCHECKD_NODE_NATIVE_PASSWORD_H
#define CLUSTERCHECKD_NODE_NATIVE_PASSWORD_H

/* Makes it known to the library; does nothing where the library has it. Before threads exist. */
void native_password_register(void);

#endif
