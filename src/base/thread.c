/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

int thread_start(pthread_t *thread, void *(*run)(void *context), void *context) {
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

/* pthread_clockjoin_np() would wait for it, but is unknown to ThreadSanitizer (gcc 12, clang 14).
 */
bool thread_join_within(pthread_t thread, int64_t patience) {
	int64_t deadline = clock_now() + patience;

	while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
		if (clock_now() >= deadline)
			return false;
		usleep(1000);
	}
	return true;
}

/* The lowest that is to stay, from `first` on; -1: none. */
static int next_kept(int first, const int *kept, size_t count) {
	int sink = log_sink_descriptor();
	int next = sink >= first ? sink : -1;

	for (size_t i = 0; i < count; i++)
		if (kept[i] >= first && (next < 0 || kept[i] < next))
			next = kept[i];
	return next;
}

void thread_separate_descriptors(const int *kept, size_t count) {
	int first = STDERR_FILENO + 1, next;

	if (unshare(CLONE_FILES) < 0) {
		log_warning("unshare: %s; the client library shares our descriptors",
			    strerror(errno));
		return;
	}
	/* Copies of what others have open would keep it open when they close it. */
	do {
		next = next_kept(first, kept, count);
		if (next != first)
			close_range((unsigned int)first, next < 0 ? ~0u : (unsigned int)next - 1,
				    0);
		first = next + 1;
	} while (next >= 0);
}
