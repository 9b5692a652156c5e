/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test includes first: cmocka, after the headers it asks for; and a place for
 * files.
 */
#ifndef CLUSTERCHECKD_TESTS_UNIT_H
#define CLUSTERCHECKD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A new directory. The last six characters of its name are chosen, each time anew. 0 or -1. */
static inline int make_directory(char *name) {
	memcpy(name + strlen(name) - 6, "XXXXXX", 6);
	return mkdtemp(name) ? 0 : -1;
}

#endif
