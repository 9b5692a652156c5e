/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/visitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"
#include "node/census.h"
#include "node/client.h"
#include "node/client_login.h"

enum stage { AT_HOME, SENT, BACK };

struct visitor {
	pthread_t thread;
	int stop_fd; /* the employer's */
	int back_fd; /* eventfd */
	pthread_mutex_t lock;
	pthread_cond_t sent;
	/* under the lock */
	enum stage stage;
	bool dismissed;
	struct mysql_settings settings; /* of the visit that is wanted */
	struct visit visit;
};

/* --- a visit -------------------------------------------------------------------------------- */

/* A crowd is no obstacle to the census, where there is an extra port. */
static int log_in(struct client **client, const struct mysql_settings *settings,
		  const struct client_limit *limit, struct visit *visit) {
	if (visit->with_census)
		return client_log_in_past_crowd(client, settings, limit, &visit->login);
	return client_log_in(client, settings, 0, limit, &visit->login);
}

static int take_census(struct client *client, const struct client_limit *limit,
		       struct visit *visit) {
	if (client)
		return census_take(client, limit, &visit->sessions);
	visit->sessions = (struct sessions){.at = clock_now(), .result = visit->login};
	return 0;
}

int visit_make(struct visit *visit, const struct mysql_settings *settings, int cancel_fd) {
	const struct client_limit limit = {
		.deadline = clock_now() + settings->timeout,
		.cancel_fd = cancel_fd,
	};
	struct client *client = NULL;
	int r = log_in(&client, settings, &limit, visit);

	if (r == 0 && visit->with_census)
		r = take_census(client, &limit, visit);
	if (r == 0 && (!visit->with_census || visit->sessions.result.outcome == PROBE_OK))
		client_quit(client);
	else
		client_drop(client);
	return r;
}

/* --- the thread ----------------------------------------------------------------------------- */

/* False: it is to stop. */
static bool take_order(struct visitor *visitor, struct mysql_settings *settings,
		       struct visit *visit) {
	bool is_sent;

	pthread_mutex_lock(&visitor->lock);
	while (visitor->stage != SENT && !visitor->dismissed)
		pthread_cond_wait(&visitor->sent, &visitor->lock);
	is_sent = !visitor->dismissed;
	*settings = visitor->settings;
	explicit_bzero(&visitor->settings, sizeof(visitor->settings));
	*visit = (struct visit){.with_census = visitor->visit.with_census};
	pthread_mutex_unlock(&visitor->lock);
	return is_sent;
}

static void come_back(struct visitor *visitor, const struct visit *visit) {
	pthread_mutex_lock(&visitor->lock);
	visitor->visit = *visit;
	visitor->stage = BACK;
	pthread_mutex_unlock(&visitor->lock);
	eventfd_write(visitor->back_fd, 1);
}

/* False: it is to stop. */
static bool make_visit(struct visitor *visitor) {
	struct mysql_settings settings;
	struct visit visit;
	int r = -ECANCELED;

	if (take_order(visitor, &settings, &visit))
		r = visit_make(&visit, &settings, visitor->stop_fd);
	explicit_bzero(&settings, sizeof(settings));
	if (r == 0)
		come_back(visitor, &visit);
	return r == 0;
}

static void *run(void *context) {
	struct visitor *visitor = context;
	const int kept[] = {visitor->stop_fd, visitor->back_fd};

	thread_separate_descriptors(kept, ARRAY_SIZE(kept));
	client_thread_init();
	while (make_visit(visitor))
		;
	client_thread_finish();
	return NULL;
}

/* --- its employer's side -------------------------------------------------------------------- */

bool visitor_send(struct visitor *visitor, const struct mysql_settings *settings,
		  bool with_census) {
	bool is_free;

	pthread_mutex_lock(&visitor->lock);
	is_free = visitor->stage == AT_HOME;
	if (is_free) {
		visitor->stage = SENT;
		visitor->settings = *settings;
		visitor->visit = (struct visit){.with_census = with_census};
		pthread_cond_signal(&visitor->sent);
	}
	pthread_mutex_unlock(&visitor->lock);
	return is_free;
}

bool visitor_take(struct visitor *visitor, struct visit *visit) {
	eventfd_t count;

	if (eventfd_read(visitor->back_fd, &count) < 0)
		return false;
	pthread_mutex_lock(&visitor->lock);
	*visit = visitor->visit;
	visitor->stage = AT_HOME;
	pthread_mutex_unlock(&visitor->lock);
	return true;
}

int visitor_descriptor(const struct visitor *visitor) {
	return visitor->back_fd;
}

static void visitor_free(struct visitor *visitor) {
	if (visitor->back_fd >= 0)
		close(visitor->back_fd);
	pthread_cond_destroy(&visitor->sent);
	pthread_mutex_destroy(&visitor->lock);
	explicit_bzero(visitor, sizeof(*visitor));
	free(visitor);
}

int visitor_create(struct visitor **result, int stop_fd) {
	struct visitor *visitor = calloc(1, sizeof(*visitor));
	int r;

	if (!visitor)
		return -ENOMEM;
	pthread_mutex_init(&visitor->lock, NULL);
	pthread_cond_init(&visitor->sent, NULL);
	visitor->stop_fd = stop_fd;
	visitor->back_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = visitor->back_fd < 0 ? -errno : 0;
	if (r == 0)
		r = thread_start(&visitor->thread, run, visitor);
	if (r < 0) {
		visitor_free(visitor);
		return r;
	}
	*result = visitor;
	return 0;
}

bool visitor_destroy(struct visitor *visitor) {
	if (!visitor)
		return true;
	pthread_mutex_lock(&visitor->lock);
	visitor->dismissed = true;
	pthread_cond_signal(&visitor->sent);
	pthread_mutex_unlock(&visitor->lock);
	if (!thread_join_within(visitor->thread, NSEC_PER_SEC))
		return false;
	visitor_free(visitor);
	return true;
}
