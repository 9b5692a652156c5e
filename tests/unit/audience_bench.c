/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audience_bench.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <time.h>

/* All clocks of this program go by it. */
static time_t seconds_now = 1000000;

int clock_gettime(clockid_t clock, struct timespec *time) {
	static long calls; /* no two are at the same time */

	(void)clock;
	*time = (struct timespec){.tv_sec = seconds_now, .tv_nsec = ++calls};
	return 0;
}

void pass(time_t seconds) {
	seconds_now += seconds;
}

struct sockaddr_in caller(uint32_t number) {
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(0x0a000000u + number)};
}

void note(struct audience *audience, uint32_t number, const char *path, unsigned int status) {
	struct sockaddr_in from = caller(number);

	audience_note(audience, &(struct answer){.kind = POLLER_HTTP,
						 .peer = (struct sockaddr *)&from,
						 .path = path,
						 .status = status});
}

int create(void **state) {
	const uint64_t seed = 1;

	*state = audience_create(&seed);
	return *state ? 0 : -1;
}

int destroy(void **state) {
	audience_destroy(*state);
	return 0;
}

struct answer verdict_for(const struct sockaddr_in *from, bool available, uint64_t epoch,
			  const char *state) {
	return (struct answer){.kind = POLLER_HTTP,
			       .peer = (const struct sockaddr *)from,
			       .path = "/rw",
			       .state = state,
			       .status = available ? 200 : 404,
			       .is_verdict = true,
			       .available = available,
			       .epoch = epoch};
}

void tell(struct audience *audience, uint32_t number, bool available, uint64_t epoch,
	  const char *state, int times) {
	struct sockaddr_in from = caller(number);
	struct answer answer = verdict_for(&from, available, epoch, state);

	while (times-- > 0)
		audience_note(audience, &answer);
}
