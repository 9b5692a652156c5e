/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/prober.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "node/announce.h"
#include "node/census.h"
#include "node/client.h"
#include "node/plan.h"
#include "node/probe.h"
#include "node/steward.h"

#define CLOSEST_ROUNDS (10 * NSEC_PER_MSEC)
#define LOGIN_RETRY NSEC_PER_SEC
#define CENSUS_WANTED (3 * NSEC_PER_SEC)

struct prober {
	pthread_t thread;
	struct publication *publication;
	struct steward *steward;
	int stop_fd, wake_fd;		/* eventfds; stop stays readable once written */
	_Atomic(struct plan *) pending; /* handed to the thread, which frees it */
	_Atomic int64_t beat;		/* clock_now() when the thread last moved */
	_Atomic int64_t longest;	/* nanoseconds between two beats, at most */
	_Atomic int64_t census_until;	/* clock_now() up to which somebody wants to know */

	/* the thread's own */
	struct plan *plan;
	struct probe *probe;
	struct transfer_file status_file;
	struct facts facts;
	int64_t login_due;
	unsigned int failures; /* rounds in a row */
	unsigned int seed;
};

static void beat(struct prober *prober) {
	atomic_store_explicit(&prober->beat, clock_now(), memory_order_relaxed);
}

static void signal_fd(int fd) {
	const uint64_t one = 1;
	ssize_t written = write(fd, &one, sizeof(one));

	(void)written; /* an eventfd that is full is readable, which is all we want */
}

static bool readable(int fd) {
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

static void publish(struct prober *prober) {
	struct change changes[ENDPOINT_MAX];

	announce_changes(changes,
			 publication_publish(prober->publication, &prober->facts, changes));
}

static void take_plan(struct prober *prober) {
	struct plan *plan = atomic_exchange(&prober->pending, NULL);

	if (!plan)
		return;
	/* What another server said is nothing known of this one. */
	if (plan_is_for_other_server(plan, prober->plan)) {
		prober->facts.probe = prober->facts.login = (struct probe_result){0};
		publish(prober);
	}
	if (strcmp(prober->status_file.path, plan->status_file) != 0)
		transfer_file_init(&prober->status_file, plan->status_file);
	plan_destroy(prober->plan);
	prober->plan = plan;
	probe_configure(prober->probe, &plan->mysql);
	prober->login_due = 0;
	prober->failures = 0;
}

/* A failure is logged when it begins or turns into another one; then its end, with a count. */
static void note_outcome(struct prober *prober, const struct probe_result *before) {
	const struct probe_result *now = &prober->facts.probe;

	if (now->outcome == PROBE_OK) {
		if (prober->failures > 0)
			log_info("the server answers again, after %u failed probe%s",
				 prober->failures, prober->failures == 1 ? "" : "s");
		prober->failures = 0;
		return;
	}
	prober->failures++;
	if (now->outcome != before->outcome || now->code != before->code)
		log_warning("probe: %s (%s); trying again", now->error,
			    probe_outcome_name(now->outcome));
}

/* One that cannot be read is told once: a state transfer would look like a server that is down. */
static void look_at_status_file(struct prober *prober) {
	const struct transfer *told =
		transfer_file_look(&prober->status_file, clock_now(), clock_wall());

	if (told->error[0] && strcmp(told->error, prober->facts.transfer.error) != 0)
		log_warning("%s: %s; a state transfer will not be recognised",
			    prober->status_file.path, told->error);
	prober->facts.transfer = *told;
}

static int make_round(struct prober *prober) {
	struct probe_result before = prober->facts.probe;
	uint64_t logins = facts_logins(&prober->facts);
	int r = probe_round(prober->probe, &prober->facts);

	if (r < 0)
		return r;
	note_outcome(prober, &before);
	if (facts_logins(&prober->facts) != logins)
		prober->login_due = clock_now() + prober->plan->login_interval;
	look_at_status_file(prober);
	publish(prober);
	/* After it, and without waiting: a disk that hangs must not keep an old verdict alive. */
	steward_look(prober->steward);
	return 0;
}

/* Published apart, so that no verdict waits for it. */
static int take_census(struct prober *prober) {
	int r;

	if (clock_now() >= atomic_load(&prober->census_until))
		return 0;
	r = census_take(prober->probe, &prober->facts);
	if (r == 0)
		publish(prober);
	return r;
}

static void finish_login(struct prober *prober, const struct probe_result *login) {
	struct probe_result before = prober->facts.login;
	int64_t pause = prober->plan->login_interval;

	prober->facts.login = *login;
	facts_count_login(&prober->facts, login->outcome);
	if (login->outcome != PROBE_OK && pause > LOGIN_RETRY)
		pause = LOGIN_RETRY;
	prober->login_due = clock_now() + pause;
	if (login->outcome == before.outcome && login->code == before.code)
		return;
	if (login->outcome == PROBE_OK)
		log_info("fresh logins work again");
	else
		log_warning("fresh login: %s (%s); the kept connection goes on", login->error,
			    probe_outcome_name(login->outcome));
	publish(prober);
}

/* Beside a connection that works; while there is none, each round is a login. */
static void tend_login(struct prober *prober) {
	struct probe_result login;

	if (prober->facts.probe.outcome != PROBE_OK)
		probe_login_abandon(prober->probe);
	else if (!probe_login_runs(prober->probe) && clock_now() >= prober->login_due &&
		 probe_login_begin(prober->probe, &login))
		finish_login(prober, &login);
}

static void go_on_with_login(struct prober *prober, short revents) {
	struct probe_result login;

	if (probe_login_runs(prober->probe) && probe_login_go_on(prober->probe, revents, &login))
		finish_login(prober, &login);
}

static int64_t next_round(struct prober *prober, int64_t begin) {
	int64_t now = clock_now();
	int64_t next = begin + prober->plan->interval;

	if (prober->failures > 0)
		return now +
		       plan_pause_after_failure(prober->plan, prober->failures, &prober->seed);
	return next > now ? next : now;
}

/* How long to wait: to the next round, the login's deadline, or its next step. */
static int wait_ms(const struct prober *prober, const struct client_wait *login, int64_t due) {
	int64_t deadline = probe_login_deadline(prober->probe);
	int left = clock_left_ms(due < deadline ? due : deadline, clock_now());

	return login->slice_ms >= 0 && left > login->slice_ms ? login->slice_ms : left;
}

/* Until the next round is due or wanted; a login goes on meanwhile. False: stop. */
static bool pause_until(struct prober *prober, int64_t due, int64_t begin) {
	bool watched = true;
	uint64_t wakes;

	while (!readable(prober->stop_fd)) {
		const struct client_wait login = probe_login_wait(prober->probe);
		struct pollfd fds[] = {
			{.fd = prober->stop_fd, .events = POLLIN},
			{.fd = prober->wake_fd, .events = POLLIN},
			/* An idle connection that has news has ended. */
			{.fd = watched ? probe_descriptor(prober->probe) : -1,
			 .events = POLLIN | POLLRDHUP},
			{.fd = login.fd, .events = login.events},
		};

		/* Even when the next round is due already: a login must not wait for a quick
		 * server. */
		poll(fds, ARRAY_SIZE(fds), wait_ms(prober, &login, due));
		if ((read(prober->wake_fd, &wakes, sizeof(wakes)) > 0 || fds[2].revents) &&
		    begin + CLOSEST_ROUNDS < due)
			due = begin + CLOSEST_ROUNDS;
		watched = watched && !fds[2].revents;
		go_on_with_login(prober, fds[3].revents);
		if (clock_now() >= due)
			return true;
	}
	return false;
}

static int by_number(const void *a, const void *b) {
	return *(const int *)a - *(const int *)b;
}

/*
 * The client library gets descriptors of its own. Connector/C 3.3 closes its socket twice when a
 * non-blocking connect fails at once (a Unix socket that does not exist), and in between the number
 * may belong to another thread: libmicrohttpd then finds its sockets gone and aborts the program.
 */
static void separate_descriptors(const struct prober *prober) {
	int kept[] = {STDERR_FILENO, prober->stop_fd, prober->wake_fd, log_sink_descriptor()};
	size_t count = ARRAY_SIZE(kept) - (log_sink_descriptor() < 0);

	if (unshare(CLONE_FILES) < 0) {
		log_warning("unshare: %s; the client library shares our descriptors",
			    strerror(errno));
		return;
	}
	/* Copies of what others have open would keep it open when they close it. */
	qsort(kept, count, sizeof(kept[0]), by_number);
	for (size_t i = 0; i < count; i++) {
		unsigned int first = (unsigned int)kept[i] + 1;
		unsigned int last = i + 1 < count ? (unsigned int)kept[i + 1] - 1 : ~0u;

		if (first <= last)
			close_range(first, last, 0);
	}
}

static void *run(void *context) {
	struct prober *prober = context;
	int64_t begin, next;

	separate_descriptors(prober);
	client_thread_init();
	do {
		begin = clock_now();
		beat(prober);
		take_plan(prober);
		if (make_round(prober) < 0 || take_census(prober) < 0)
			break;
		beat(prober);
		tend_login(prober);
		next = next_round(prober, begin);
	} while (pause_until(prober, next, begin));
	probe_destroy(TAKE_POINTER(prober->probe));
	client_thread_finish();
	return NULL;
}

static void prober_free(struct prober *prober) {
	plan_destroy(atomic_load(&prober->pending));
	plan_destroy(prober->plan);
	probe_destroy(prober->probe);
	if (prober->stop_fd >= 0)
		close(prober->stop_fd);
	if (prober->wake_fd >= 0)
		close(prober->wake_fd);
	free(prober);
}

static int prober_init(struct prober *prober, const struct config *config) {
	prober->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	prober->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (prober->stop_fd < 0 || prober->wake_fd < 0)
		return -errno;
	prober->plan = plan_create(config);
	prober->probe = probe_create(&config->mysql, prober->stop_fd);
	if (!prober->plan || !prober->probe)
		return -ENOMEM;
	transfer_file_init(&prober->status_file, prober->plan->status_file);
	prober->seed = (unsigned int)clock_wall();
	atomic_init(&prober->beat, clock_now());
	atomic_init(&prober->longest, plan_longest_beat(prober->plan));
	return thread_start(&prober->thread, run, prober);
}

int prober_create(struct prober **result, const struct config *config,
		  struct publication *publication, struct steward *steward) {
	struct prober *prober = calloc(1, sizeof(*prober));
	int r;

	if (!prober)
		return -ENOMEM;
	prober->stop_fd = prober->wake_fd = -1;
	prober->publication = publication;
	prober->steward = steward;
	r = prober_init(prober, config);
	if (r < 0) {
		prober_free(prober);
		return r;
	}
	*result = prober;
	return 0;
}

/* pthread_clockjoin_np() would wait for it, but is unknown to ThreadSanitizer (gcc 12, clang 14).
 */
static bool join_within(pthread_t thread, int64_t patience) {
	int64_t deadline = clock_now() + patience;

	while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
		if (clock_now() >= deadline)
			return false;
		usleep(1000);
	}
	return true;
}

void prober_destroy(struct prober *prober) {
	if (!prober)
		return;
	signal_fd(prober->stop_fd);
	/* Resolving a name or reading a file inside the client library cannot be interrupted. */
	if (!join_within(prober->thread, NSEC_PER_SEC)) {
		log_warning("the prober hangs in a call that cannot be interrupted; leaving it");
		_exit(EXIT_SUCCESS);
	}
	prober_free(prober);
}

int prober_configure(struct prober *prober, const struct config *config) {
	struct plan *plan = plan_create(config);

	if (!plan)
		return -ENOMEM;
	atomic_store(&prober->longest, plan_longest_beat(plan));
	plan_destroy(atomic_exchange(&prober->pending, plan));
	prober_wake(prober);
	return 0;
}

void prober_wake(struct prober *prober) {
	signal_fd(prober->wake_fd);
}

void prober_want_census(struct prober *prober) {
	int64_t before = atomic_exchange(&prober->census_until, clock_now() + CENSUS_WANTED);

	/* Whoever asks again and again gets one per round. */
	if (clock_now() >= before)
		prober_wake(prober);
}

bool prober_moves(const struct prober *prober) {
	return clock_now() - atomic_load(&prober->beat) < atomic_load(&prober->longest);
}
