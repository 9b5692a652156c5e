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

void grants_print(const char *user, const char *host, FILE *stream) {
	fputs("-- MariaDB, Percona XtraDB Cluster and MySQL alike; put a password of your own in.\n"
	      "-- On one node only: the cluster replicates it.\n"
	      "CREATE USER IF NOT EXISTS ",
	      stream);
	print_account(user, host, stream);
	fputs("\n    IDENTIFIED BY 'CHANGE-ME';\nGRANT PROCESS ON *.* TO ", stream);
	print_account(user, host, stream);
	fputs(";\n\n-- MariaDB without a password, over the Unix socket, for the system user of "
	      "the\n"
	      "-- same name (MySQL and PXC: IDENTIFIED WITH auth_socket):\n"
	      "-- CREATE USER ",
	      stream);
	print_account(user, host, stream);
	fputs(" IDENTIFIED VIA unix_socket;\n", stream);
}
