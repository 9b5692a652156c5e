/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A MySQL client library that follows a script: it takes the place of the real one in tests of what
 * uses it. Calls come in the script's order or the test fails, and so do calls that are left over.
 * It speaks the non-blocking calls of whichever library's header the tests are built with.
 */
#ifndef CLUSTERCHECKD_TESTS_SCRIPTED_MYSQL_H
#define CLUSTERCHECKD_TESTS_SCRIPTED_MYSQL_H

#include <stdbool.h>
#include <stddef.h>

struct scripted_step {
	/*
	 * "connect", "query"; "quit" or "drop" for mysql_close(), as the socket is still whole or
	 * has been shut down before. What belongs to a result set is part of its query, and
	 * checked.
	 */
	const char *call;
	/* connect: "HOST:PORT" or the socket; query: how the statement begins; NULL: anything. */
	const char *expected;
	unsigned int error; /* of this call, or after the rows where there are columns */
	const char *message;
	unsigned int waits; /* it is "not yet" done so many times */
	bool hangs;	    /* it is not done before the socket is shut down */
	unsigned int columns, rows;
	/* row by row; NULL: columns of "x" */
	const char *const *values;
};

/* The steps stay the caller's until the end, which fails when not all of them were made. */
void scripted_begin(const struct scripted_step *steps, size_t count);
void scripted_end(void);

#define SCRIPT(...)                                                         \
	do {                                                                \
		static const struct scripted_step steps_[] = {__VA_ARGS__}; \
		scripted_begin(steps_, sizeof(steps_) / sizeof(steps_[0])); \
	} while (0)

/* What the next connects find: no memory for a handle, or a cipher. */
extern bool scripted_no_memory;
extern const char *scripted_cipher;

/* What the last connect was given. */
extern char scripted_user[64], scripted_password[64];

#endif
