/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/grants.h"

static void print_quoted(const char *text, FILE *stream) {
	fputc('\'', stream);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc(*text, stream);
		fputc(*text, stream);
	}
	fputc('\'', stream);
}

static void print_account(const char *user, const char *host, FILE *stream) {
	print_quoted(user, stream);
	fputc('@', stream);
	print_quoted(host, stream);
}

static void print_statement(const char *begin, const char *user, const char *host, const char *end,
			    FILE *stream) {
	fputs(begin, stream);
	print_account(user, host, stream);
	fputs(end, stream);
}

void grants_print(const char *user, const char *host, FILE *stream) {
	print_statement("-- MariaDB, Percona XtraDB Cluster and MySQL alike; put a password of "
			"your own in.\n"
			"-- On one node only: the cluster replicates it.\n"
			"CREATE USER IF NOT EXISTS ",
			user, host, "\n    IDENTIFIED BY 'CHANGE-ME';\n", stream);
	print_statement("GRANT PROCESS ON *.* TO ", user, host, ";\n", stream);
	print_statement("-- An account that exists keeps its password; to change it:\n"
			"-- ALTER USER ",
			user, host, " IDENTIFIED BY 'CHANGE-ME';\n", stream);
	print_statement("\n-- Without a password, over the Unix socket, for the system user of "
			"the same name.\n"
			"-- MySQL and PXC, once per node: INSTALL PLUGIN auth_socket SONAME "
			"'auth_socket.so'; then\n"
			"-- CREATE USER ",
			user, host, " IDENTIFIED WITH auth_socket;\n", stream);
	print_statement("-- MariaDB:\n"
			"-- CREATE USER ",
			user, host, " IDENTIFIED VIA unix_socket;\n", stream);
}
