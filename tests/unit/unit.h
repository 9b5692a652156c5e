/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test includes first: cmocka, after the headers it asks for.
 */
#ifndef CLUSTERCHECKD_TESTS_UNIT_H
#define CLUSTERCHECKD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
