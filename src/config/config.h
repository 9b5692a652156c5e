/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as plain values: no pointers, so a copy is an assignment and a comparison is
 * memcmp(). Loading fills a fresh one in layers, each later one winning:
 *
 *   1. built-in    2. the ini file    3. the environment    4. section.key=value arguments
 *
 * and refuses the whole at the first thing it does not understand. Start and reload load alike.
 */
#ifndef CLUSTERCHECKD_CONFIG_CONFIG_H
#define CLUSTERCHECKD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "config/address.h"
#include "config/limits.h"
#include "config/policy.h"

#define CONFIG_DEFAULT_FILE SYSCONFDIR "/clustercheckd/clustercheckd.ini"
#define CONFIG_LEGACY_FILE "/var/tmp/clustercheck.disabled"

#define CONFIG_OPTION_MAX 48
#define CONFIG_OVERRIDE_MAX 64

enum tls_mode { TLS_OFF, TLS_PREFERRED, TLS_REQUIRED, TLS_VERIFY };

/* How to reach and log in to the server. An empty text means "not set". */
struct mysql_settings {
	char socket[108]; /* sun_path of unix(7) */
	char host[CONFIG_TEXT_SIZE];
	uint64_t port;
	uint64_t extra_port; /* 0: none */
	char user[CONFIG_TEXT_SIZE];
	char password[CONFIG_TEXT_SIZE];
	char password_file[CONFIG_PATH_SIZE];
	char defaults_file[CONFIG_PATH_SIZE];
	char tls_ca[CONFIG_PATH_SIZE];
	char server_public_key[CONFIG_PATH_SIZE];
	enum tls_mode tls;
	/* Without defaults_file, read the client library's usual ones: the legacy command's way. */
	bool standard_option_files;
	int64_t timeout; /* nanoseconds for a whole round, and for a fresh login */
};

struct http_settings {
	struct listen_list listen;
	struct network_list allow;
	uint64_t max_connections; /* per listening address */
	int64_t timeout;	  /* nanoseconds a connection may be idle */
	char tls_cert[CONFIG_PATH_SIZE];
	char tls_key[CONFIG_PATH_SIZE];
	bool log_requests;
};

struct agent_settings {
	struct listen_list listen; /* for "/"; empty: off */
};

struct control_settings {
	char socket[108];
	char group[64];
};

/* How others tell the daemon to look at once. */
struct notify_settings {
	char socket[108];
	char status_file[CONFIG_PATH_SIZE];
};

enum config_layer { LAYER_BUILTIN, LAYER_FILE, LAYER_ENVIRONMENT, LAYER_ARGUMENT };

/* A value as it was written, and where. */
struct setting {
	char text[CONFIG_TEXT_SIZE];
	enum config_layer layer;
	unsigned int line; /* in the file; 0 in other layers */
};

/* A key that an endpoint sets for itself. */
struct endpoint_override {
	char path[ENDPOINT_PATH_SIZE];
	size_t option; /* index into the option ledger */
	struct setting setting;
};

struct config {
	struct mysql_settings mysql;
	int64_t interval;
	int64_t login_interval;
	struct policy policy;
	struct endpoint_list endpoints; /* "/", "/rw", "/ro", then the configured ones */
	struct http_settings http;
	struct agent_settings agent;
	struct control_settings control;
	struct notify_settings notify;
	char maintenance_file[CONFIG_PATH_SIZE];
	char legacy_file[CONFIG_PATH_SIZE];
	enum log_level log_level;
	char process_user[64]; /* empty: whoever started it */

	char file[CONFIG_PATH_SIZE]; /* that was read; empty when there was none */
	struct setting settings[CONFIG_OPTION_MAX];
	char paths[ENDPOINT_MAX][ENDPOINT_PATH_SIZE]; /* [endpoint] sections, in their order */
	size_t path_count;
	struct endpoint_override overrides[CONFIG_OVERRIDE_MAX];
	size_t override_count;
};

struct config_sources {
	const char *file;	  /* NULL: no file at all */
	bool file_required;	  /* otherwise one that is absent or unreadable counts as empty */
	char *const *environment; /* environ(7) or NULL */
	const char *const *arguments; /* "section.key=value" */
	size_t argument_count;
};

/* 0, or -EINVAL with one line in `error` that names place, key and what was expected. */
int config_load(struct config *config, const struct config_sources *sources, struct text *error);

/*
 * The systemd credential "mysql-password" (systemd.exec(5), LoadCredential=): false when there is
 * none, else its path.
 */
bool config_credential(char *path, size_t size);

/* Whether the name stands for the Unix socket, as it does for both client libraries. */
bool config_host_is_socket(const char *host);

/* False only when it is certain: a file that may not be looked at must not pass for an absent one.
 */
bool config_file_exists(const char *path);

/* True when a layer other than the built-in one set it. */
bool config_is_set(const struct config *config, const char *section, const char *key);

/* Every setting, as an ini file that loads again, each under a comment with its origin; secrets as
 * ***. */
void config_dump(const struct config *config, FILE *stream);

#endif
