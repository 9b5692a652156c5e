/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/prober.h"

#include <errno.h>
#include <poll.h>
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
#include "node/client.h"
#include "node/plan.h"
#include "node/probe.h"
#include "node/steward.h"
#include "node/visitor.h"

#define CLOSEST_ROUNDS (10 * NSEC_PER_MSEC)
#define LOGIN_RETRY NSEC_PER_SEC
#define CENSUS_WANTED (3 * NSEC_PER_SEC)
#define VISIT_GRACE (50 * NSEC_PER_MSEC)

struct prober {
	pthread_t thread;
	struct publication *publication;
	struct steward *steward;
	struct visitor *visitor;
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
	int64_t visit_deadline; /* of the visit under way that counts, or CLOCK_NEVER */
	bool visit_overdue;
	int64_t away_since;    /* clock_now() of the first visit that it could not make; or 0 */
	unsigned int failures; /* rounds in a row */
	unsigned int seed;
};

static void beat(struct prober *prober) {
	atomic_store_explicit(&prober->beat, clock_now(), memory_order_relaxed);
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

/* Its result then counts for nothing. */
static void give_up_visit(struct prober *prober) {
	prober->visit_deadline = CLOCK_NEVER;
	prober->visit_overdue = false;
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
	give_up_visit(prober);
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

/* --- visits --------------------------------------------------------------------------------- */

static const struct probe_result late = {.outcome = PROBE_TIMEOUT,
					 .error = "no answer in time while logging in"};

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

/* One that hangs for good is told again and again, whatever has been reloaded meanwhile. */
static void send_visitor(struct prober *prober, bool with_census) {
	int64_t now = clock_now(), patience = prober->plan->mysql.timeout + VISIT_GRACE;

	if (visitor_send(prober->visitor, &prober->plan->mysql, with_census)) {
		prober->visit_deadline = now + patience;
		prober->away_since = 0;
	} else if (!prober->away_since) {
		prober->away_since = now;
	} else if (now - prober->away_since >= patience) {
		finish_login(prober, &late);
	}
}

/* Beside a connection that works; while there is none, each round is a login. */
static void tend_visit(struct prober *prober) {
	bool with_census = clock_now() < atomic_load(&prober->census_until);

	if (prober->facts.probe.outcome != PROBE_OK)
		give_up_visit(prober);
	else if (prober->visit_deadline == CLOCK_NEVER &&
		 (with_census || clock_now() >= prober->login_due))
		send_visitor(prober, with_census);
}

/* Published apart from the rounds. */
static void receive_visit(struct prober *prober) {
	struct visit visit;
	bool is_back = visitor_take(prober->visitor, &visit);

	if (prober->visit_deadline == CLOCK_NEVER)
		return;
	if (is_back) {
		give_up_visit(prober);
		finish_login(prober, &visit.login);
		if (visit.with_census) {
			prober->facts.sessions = visit.sessions;
			publish(prober);
		}
	} else if (clock_now() >= prober->visit_deadline && !prober->visit_overdue) {
		/* It keeps to its time by itself, unless it hangs or all of us slept. */
		prober->visit_overdue = true;
		prober->visit_deadline = clock_now() + prober->plan->mysql.timeout;
	} else if (clock_now() >= prober->visit_deadline) {
		give_up_visit(prober);
		finish_login(prober, &late);
	}
}

/* --- the thread ----------------------------------------------------------------------------- */

static int64_t next_round(struct prober *prober, int64_t begin) {
	int64_t now = clock_now();
	int64_t next = begin + prober->plan->interval;

	if (prober->failures > 0)
		return now +
		       plan_pause_after_failure(prober->plan, prober->failures, &prober->seed);
	return next > now ? next : now;
}

/* Until the next round is due or wanted. False: stop. */
static bool pause_until(struct prober *prober, int64_t due, int64_t begin) {
	bool watched = true;
	eventfd_t wakes;

	while (!readable(prober->stop_fd)) {
		int64_t until = due < prober->visit_deadline ? due : prober->visit_deadline;
		struct pollfd fds[] = {
			{.fd = prober->stop_fd, .events = POLLIN},
			{.fd = prober->wake_fd, .events = POLLIN},
			/* An idle connection that has news has ended. */
			{.fd = watched ? probe_descriptor(prober->probe) : -1,
			 .events = POLLIN | POLLRDHUP},
			{.fd = visitor_descriptor(prober->visitor), .events = POLLIN},
		};

		poll(fds, ARRAY_SIZE(fds), clock_left_ms(until, clock_now()));
		if ((eventfd_read(prober->wake_fd, &wakes) == 0 || fds[2].revents) &&
		    begin + CLOSEST_ROUNDS < due)
			due = begin + CLOSEST_ROUNDS;
		watched = watched && !fds[2].revents;
		receive_visit(prober);
		if (clock_now() >= due)
			return true;
	}
	return false;
}

static void *run(void *context) {
	struct prober *prober = context;
	const int kept[] = {prober->stop_fd, prober->wake_fd, visitor_descriptor(prober->visitor)};
	int64_t begin, next;

	thread_separate_descriptors(kept, ARRAY_SIZE(kept));
	client_thread_init();
	do {
		begin = clock_now();
		beat(prober);
		take_plan(prober);
		if (make_round(prober) < 0)
			break;
		beat(prober);
		tend_visit(prober);
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
	int r;

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
	prober->visit_deadline = CLOCK_NEVER;
	r = visitor_create(&prober->visitor, prober->stop_fd);
	return r < 0 ? r : thread_start(&prober->thread, run, prober);
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
		eventfd_write(prober->stop_fd, 1);
		visitor_destroy(prober->visitor);
		prober_free(prober);
		return r;
	}
	*result = prober;
	return 0;
}

bool prober_destroy(struct prober *prober) {
	if (!prober)
		return true;
	eventfd_write(prober->stop_fd, 1);
	/* Resolving a name or reading a file inside the client library cannot be interrupted. */
	if (!thread_join_within(prober->thread, NSEC_PER_SEC) ||
	    !visitor_destroy(prober->visitor)) {
		log_warning("the prober hangs in a call that cannot be interrupted; leaving it");
		return false;
	}
	prober_free(prober);
	return true;
}

void prober_configure(struct prober *prober, struct plan *plan) {
	atomic_store(&prober->longest, plan_longest_beat(plan));
	plan_destroy(atomic_exchange(&prober->pending, plan));
	prober_wake(prober);
}

void prober_wake(struct prober *prober) {
	eventfd_write(prober->wake_fd, 1);
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
