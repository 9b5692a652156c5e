/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/client_login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "node/client_internal.h"
#include "node/password.h"
#include "node/resolver.h"

/* The library keeps pointers to what it was given until the login is over. */
struct client_login {
	struct mysql_settings settings;
	char password[CONFIG_TEXT_SIZE];
	struct client_attempt attempt;
	struct client *client;
};

static void login_free(struct client_login *login) {
	explicit_bzero(login, sizeof(*login));
	free(login);
}

/*
 * The library would look a name up itself, and wait. It must have the name, though, to compare it
 * with a certificate.
 */
static bool find_host(struct client_login *login, struct probe_result *result) {
	struct mysql_settings *settings = &login->settings;
	char address[RESOLVER_ADDRESS_SIZE];
	char storage[sizeof(result->error)];
	struct text error;

	if (!settings->host[0] || settings->tls == TLS_VERIFY)
		return true;
	text_init(&error, storage, sizeof(storage));
	if (resolver_find(settings->host, login->attempt.limit.deadline, address, &error))
		return text_copy(settings->host, sizeof(settings->host), address);
	client_fail(result, PROBE_UNREACHABLE, 0, storage);
	return false;
}

/* Where Connector/C 3.3 cannot read it, it takes whatever key the server sends. */
static bool is_readable(const char *server_public_key, struct text *why) {
	AUTO_CLOSE int fd = -1;
	struct stat status = {0};

	if (!server_public_key[0])
		return true;
	fd = open(server_public_key, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0)
		text_format(why, "server_public_key %s: %s", server_public_key, strerror(errno));
	else if (!S_ISREG(status.st_mode) || status.st_size == 0)
		text_format(why, "server_public_key %s: expected a file with a key",
			    server_public_key);
	return why->length == 0;
}

static const char *or_null(const char *text) {
	return text[0] ? text : NULL;
}

static void set_destination(struct client_login *login, unsigned int extra_port) {
	const struct mysql_settings *settings = &login->settings;
	struct client_attempt *attempt = &login->attempt;

	attempt->user = or_null(settings->user);
	attempt->password = or_null(login->password);
	attempt->host = or_null(settings->host);
	attempt->socket = or_null(settings->socket);
	attempt->port = attempt->host ? (unsigned int)settings->port : 0;
	if (extra_port) {
		attempt->host = attempt->host ? attempt->host : "127.0.0.1";
		attempt->socket = NULL;
		attempt->port = extra_port;
	}
}

static struct client_login *begin(const struct mysql_settings *settings, unsigned int extra_port,
				  const struct client_limit *limit, struct probe_result *result) {
	struct client_login *login = calloc(1, sizeof(*login));
	struct text why;

	if (!login) {
		client_fail(result, PROBE_PROTOCOL_ERROR, 0, "out of memory");
		return NULL;
	}
	login->settings = *settings;
	login->attempt.limit = *limit;
	if (!find_host(login, result)) {
		login_free(login);
		return NULL;
	}
	text_init(&why, result->error, sizeof(result->error));
	if (!is_readable(settings->server_public_key, &why) ||
	    password_find(settings, login->password, sizeof(login->password), &why) < 0) {
		result->outcome = PROBE_ACCESS_DENIED;
		result->code = 0;
		login_free(login);
		return NULL;
	}
	set_destination(login, extra_port);
	login->client = client_create(&login->settings);
	if (!login->client) {
		client_fail(result, PROBE_PROTOCOL_ERROR, 0, "out of memory");
		login_free(login);
		return NULL;
	}
	return login;
}

/* Connector/C 3.3 goes on in plain text, whatever MYSQL_OPT_SSL_ENFORCE says. */
static void require_tls(const struct client_login *login, struct probe_result *result) {
	if (result->outcome == PROBE_OK && login->settings.tls >= TLS_REQUIRED &&
	    !client_is_encrypted(login->client))
		client_fail(result, PROBE_PROTOCOL_ERROR, 0,
			    "TLS is required, but the server offers none");
}

/* 0 with the outcome, or -ECANCELED. */
static int connect_within(struct client_login *login, struct probe_result *result) {
	struct client_attempt *attempt = &login->attempt;
	short revents = 0;

	while (!client_connect(login->client, attempt, revents, result)) {
		int r = client_go_on(&attempt->limit, client_connect_wait(login->client), &revents);

		if (r < 0) {
			client_abandon(login->client, attempt);
			return client_give_up(result, r, "logging in");
		}
	}
	require_tls(login, result);
	return attempt->waited == -ECANCELED ? -ECANCELED : 0;
}

/* So that the next login tries another address, where the name has several. */
static void judge_address(const struct client_login *login, const struct probe_result *result) {
	if (result->outcome == PROBE_UNREACHABLE || result->outcome == PROBE_REFUSED ||
	    result->outcome == PROBE_TIMEOUT)
		resolver_pass_over(login->settings.host);
}

int client_log_in(struct client **client, const struct mysql_settings *settings,
		  unsigned int extra_port, const struct client_limit *limit,
		  struct probe_result *result) {
	struct client_login *login = begin(settings, extra_port, limit, result);
	int r;

	*client = NULL;
	if (!login)
		return 0;
	r = connect_within(login, result);
	client_forget_password(login->client);
	if (r == 0)
		judge_address(login, result);
	if (r == 0 && result->outcome == PROBE_OK)
		*client = login->client;
	else
		client_drop(login->client);
	login_free(login);
	return r;
}

int client_log_in_past_crowd(struct client **client, const struct mysql_settings *settings,
			     const struct client_limit *limit, struct probe_result *login) {
	unsigned int extra_port = (unsigned int)settings->extra_port;
	int r = client_log_in(client, settings, 0, limit, login);
	struct probe_result extra;

	if (r < 0 || login->outcome != PROBE_TOO_MANY_CONNECTIONS || !extra_port)
		return r;
	return client_log_in(client, settings, extra_port, limit, &extra);
}
