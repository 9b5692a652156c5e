/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bench for tests of the audience: a clock of the program's own, and callers that ask.
 */
#ifndef CLUSTERCHECKD_TESTS_AUDIENCE_BENCH_H
#define CLUSTERCHECKD_TESTS_AUDIENCE_BENCH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "node/audience.h"

void pass(time_t seconds);

/* 10.0.0.0 and so many more. */
struct sockaddr_in caller(uint32_t number);

void note(struct audience *audience, uint32_t number, const char *path, unsigned int status);

/* What one who asks for /rw is answered: so many times. */
struct answer verdict_for(const struct sockaddr_in *from, bool available, uint64_t epoch,
			  const char *state);
void tell(struct audience *audience, uint32_t number, bool available, uint64_t epoch,
	  const char *state, int times);

/* A test's set-up and tear-down: its state is the audience. */
int create(void **state);
int destroy(void **state);

#endif
