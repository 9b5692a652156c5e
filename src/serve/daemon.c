/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "node/announce.h"
#include "node/client.h"
#include "node/plan.h"
#include "node/prober.h"
#include "node/snapshot.h"
#include "serve/agent.h"
#include "serve/http.h"
#include "serve/notify.h"
#include "serve/service.h"

/* How late a verdict that turned stale may stand in the log; its answer is never late. */
#define REVIEW_INTERVAL (250 * NSEC_PER_MSEC)

/*
 * Descriptors besides connections: what the doors need for themselves and for connections that are
 * being shed, the control socket's and the agents' callers, the log.
 */
#define SPARE_DESCRIPTORS 1024

struct daemon {
	struct config config;
	const struct config_sources *sources;
	int signal_fd;
	struct publication *publication;
	struct audience *audience;
	struct steward *steward;
	struct prober *prober;
	struct stage stage;
	struct http *http;
	struct agent *agent; /* NULL: off */
	struct notify *notify;
	int first_socket, socket_count; /* inherited from the service manager */
	int64_t watchdog;		/* nanoseconds, 0: none */
	int64_t watchdog_due;
	enum reason shown; /* in the service manager's status line */
	bool settled;	   /* the first probe is through: starting is over */
};

static int take_signals(void) {
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static rlim_t raise_descriptor_limit(rlim_t wanted) {
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return wanted;
	if (limit.rlim_cur < wanted) {
		struct rlimit raised = limit;

		raised.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur;
}

/*
 * The soft limit is commonly 1024, and what is configured must fit: without a free descriptor
 * libmicrohttpd accepts nobody until a connection ends by itself.
 */
static void fit_descriptor_limit(struct config *config, int socket_count) {
	size_t addresses = socket_count > 0 ? (size_t)socket_count : config->http.listen.count;
	uint64_t most = config->http.max_connections;
	rlim_t limit = raise_descriptor_limit(most * LISTEN_MAX + SPARE_DESCRIPTORS);

	limit = limit > 2 * SPARE_DESCRIPTORS ? limit - SPARE_DESCRIPTORS : limit / 2;
	if (addresses == 0 || most <= limit / addresses)
		return;
	config->http.max_connections = limit / addresses > 0 ? limit / addresses : 1;
	log_warning("descriptors are few (ulimit -n, LimitNOFILE=): going on with "
		    "max_connections=%" PRIu64 " instead of %" PRIu64,
		    config->http.max_connections, most);
}

static int open_doors(struct daemon *daemon, struct text *error) {
	int r = http_inherit(daemon->http, daemon->first_socket, daemon->socket_count, error);

	/* Before the others: whoever is answered may count on being able to notify. */
	if (r == 0)
		r = notify_create(&daemon->notify, &daemon->config, daemon->prober, NULL, error);
	if (r == 0)
		r = http_configure(daemon->http, &daemon->config, error);
	if (r == 0)
		r = agent_create(&daemon->agent, &daemon->stage, &daemon->config, NULL, error);
	return r;
}

static int build(struct daemon *daemon, struct text *error) {
	struct maintenance_files files;
	int r;

	daemon->signal_fd = take_signals();
	if (daemon->signal_fd < 0)
		return daemon->signal_fd;
	/* It changes the environment: before a thread may look there. */
	daemon->socket_count = service_sockets(&daemon->first_socket);
	fit_descriptor_limit(&daemon->config, daemon->socket_count);
	r = client_library_init();
	if (r < 0)
		return r;
	daemon->publication = publication_create(&daemon->config.endpoints);
	daemon->audience = audience_create(NULL);
	if (!daemon->publication || !daemon->audience)
		return -ENOMEM;
	files = maintenance_files_of(&daemon->config);
	daemon->steward = steward_create(daemon->publication, &files);
	if (!daemon->steward)
		return -ENOMEM;
	/* Before the first answer. */
	steward_refresh(daemon->steward);
	r = prober_create(&daemon->prober, &daemon->config, daemon->publication, daemon->steward);
	if (r < 0)
		return r;
	daemon->stage = (struct stage){
		.publication = daemon->publication,
		.audience = daemon->audience,
		.steward = daemon->steward,
		.prober = daemon->prober,
		.started = clock_now(),
	};
	daemon->http = http_create(&daemon->stage);
	if (!daemon->http)
		return -ENOMEM;
	return open_doors(daemon, error);
}

/* What failed without a line of its own: memory, a descriptor. */
static void explain(int r, struct text *error) {
	if (error->length == 0)
		text_append(error, strerror(-r));
}

int daemon_create(struct daemon **result, const struct config *config,
		  const struct config_sources *sources, struct text *error) {
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	int r;

	if (!daemon) {
		explain(-ENOMEM, error);
		return -ENOMEM;
	}
	daemon->config = *config;
	daemon->sources = sources;
	daemon->signal_fd = -1;
	daemon->shown = REASON_COUNT;
	r = build(daemon, error);
	if (r < 0)
		explain(r, error);
	*result = daemon;
	return r;
}

bool daemon_destroy(struct daemon *daemon) {
	if (!daemon)
		return true;
	notify_destroy(daemon->notify);
	agent_destroy(daemon->agent);
	http_destroy(daemon->http);
	if (!prober_destroy(daemon->prober))
		return false;
	steward_destroy(daemon->steward);
	audience_destroy(daemon->audience);
	publication_destroy(daemon->publication);
	client_library_finish();
	if (daemon->signal_fd >= 0)
		close(daemon->signal_fd);
	explicit_bzero(daemon, sizeof(*daemon));
	free(daemon);
	return true;
}

/* --- reload --------------------------------------------------------------------------------- */

static void keep_what_needs_a_restart(struct config *fresh, const struct config *running) {
	if (strcmp(fresh->process_user, running->process_user) != 0)
		log_warning("[process] changes take a restart");
	text_copy(fresh->process_user, sizeof(fresh->process_user), running->process_user);
	if (memcmp(&fresh->control, &running->control, sizeof(fresh->control)) == 0)
		return;
	log_warning("[control] changes take a restart; keeping %s", running->control.socket);
	fresh->control = running->control;
}

/* The new sockets are bound while the old ones still listen. */
static void explain_address(int r, struct text *error) {
	if (r == -EADDRINUSE)
		text_append(error, " (if it is this daemon that listens there, under another "
				   "address, the change takes a restart)");
}

static int reopen_doors(struct daemon *daemon, const struct config *fresh, struct text *error) {
	struct agent *agent = NULL;
	struct notify *notify = NULL;
	int r = agent_create(&agent, &daemon->stage, fresh, daemon->agent, error);

	explain_address(r, error);
	if (r == 0)
		r = notify_create(&notify, fresh, daemon->prober, daemon->notify, error);
	if (r == 0) {
		r = http_configure(daemon->http, fresh, error);
		explain_address(r, error);
	}
	if (r < 0) {
		notify_destroy(notify);
		agent_destroy(agent);
		return r;
	}
	notify_succeed(notify, daemon->notify);
	agent_destroy(daemon->agent);
	daemon->notify = notify;
	daemon->agent = agent;
	return 0;
}

/* The fresh configuration replaces the running one whole, or not at all. */
static int reload_into(struct daemon *daemon, struct config *fresh, struct text *error) {
	struct maintenance_files files;
	struct change changes[ENDPOINT_MAX];
	struct plan *plan;
	size_t count;
	int r = config_load(fresh, daemon->sources, error);

	if (r < 0)
		return r;
	keep_what_needs_a_restart(fresh, &daemon->config);
	fit_descriptor_limit(fresh, daemon->socket_count);
	plan = plan_create(fresh);
	r = plan ? reopen_doors(daemon, fresh, error) : -ENOMEM;
	if (r < 0) {
		plan_destroy(plan);
		return r;
	}
	/* Nothing from here on can fail. */
	prober_configure(daemon->prober, plan);
	log_set_level(fresh->log_level);
	files = maintenance_files_of(fresh);
	steward_configure(daemon->steward, &files);
	count = publication_set_endpoints(daemon->publication, &fresh->endpoints, changes);
	announce_changes(changes, count);
	return 0;
}

static void reload(struct daemon *daemon) {
	AUTO_FREE struct config *fresh = calloc(1, sizeof(*fresh));
	char storage[512];
	struct text error;
	int r = -ENOMEM;

	text_init(&error, storage, sizeof(storage));
	service_reloading();
	if (fresh)
		r = reload_into(daemon, fresh, &error);
	if (r < 0) {
		explain(r, &error);
		log_error("reload failed: %s; keeping the running configuration", storage);
	} else {
		daemon->config = *fresh;
		log_info("configuration reloaded");
	}
	if (fresh)
		explicit_bzero(fresh, sizeof(*fresh));
	service_ready();
}

/* --- the loop ------------------------------------------------------------------------------- */

static void show_status(struct daemon *daemon) {
	AUTO_FREE struct snapshot *snapshot = malloc(sizeof(*snapshot));
	struct verdict judged;
	char line[256];

	if (!snapshot)
		return;
	publication_copy(daemon->publication, snapshot, NULL);
	judged = verdict(&snapshot->facts, &snapshot->endpoints.items[0].policy, clock_now());
	if (judged.reason == daemon->shown)
		return;
	daemon->shown = judged.reason;
	snprintf(line, sizeof(line), "%s: %s", reason_name(judged.reason),
		 reason_help(judged.reason));
	service_status(line);
}

/* The watchdog is fed by the prober's movement: a daemon that hangs is restarted. */
static void feed_watchdog(struct daemon *daemon) {
	int64_t now = clock_now();

	if (!daemon->watchdog || now < daemon->watchdog_due || !prober_moves(daemon->prober))
		return;
	service_alive();
	daemon->watchdog_due = now + daemon->watchdog / 3;
}

static void settle(struct daemon *daemon) {
	/* Generation 1 is the empty one. */
	if (daemon->settled || publication_generation(daemon->publication) == 1)
		return;
	memory_release_startup();
	daemon->settled = true;
}

static void tick(struct daemon *daemon) {
	struct change changes[ENDPOINT_MAX];

	settle(daemon);
	announce_changes(changes, publication_review(daemon->publication, changes));
	http_tend(daemon->http);
	show_status(daemon);
	feed_watchdog(daemon);
}

/* False: stop. */
static bool take_signal(struct daemon *daemon) {
	struct signalfd_siginfo info;

	while (read(daemon->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP) {
			log_info("stopping: %s", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
			return false;
		}
		reload(daemon);
	}
	return true;
}

int daemon_run(struct daemon *daemon) {
	struct pollfd fds[1 + NOTIFY_DESCRIPTORS] = {
		{.fd = daemon->signal_fd, .events = POLLIN},
	};

	daemon->watchdog = service_watchdog();
	service_ready();
	do {
		tick(daemon);
		notify_poll(daemon->notify, fds + 1);
		if (poll(fds, ARRAY_SIZE(fds), (int)(REVIEW_INTERVAL / NSEC_PER_MSEC)) < 0 &&
		    errno != EINTR)
			return -errno;
		notify_take(daemon->notify);
	} while (take_signal(daemon));
	service_stopping();
	return 0;
}
