/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation of a daemon's start and of its reload fails in turn. A start fails with a reason
 * and leaves nothing behind; a reload is made whole, or refused with a reason and changes nothing.
 *
 * The daemon is a real one, with threads and sockets. Its password file is not there, so that the
 * client library has nothing to do: Connector/C 3.3 cannot end and begin again, and changes stacks
 * behind valgrind's back.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "serve/daemon.h"
#include "shortage.h"

int __real_client_library_init(void);
void __real_client_library_finish(void);
int __wrap_client_library_init(void);
void __wrap_client_library_finish(void);

int __wrap_client_library_init(void) {
	return shortage_strikes() ? -ENOMEM : 0;
}

void __wrap_client_library_finish(void) {
}

static char directory[] = "/tmp/test_out_of_memory.XXXXXX";
static char ini[64], log_file[64];
static int ports[4];
static struct config config;
static const struct config_sources sources = {.file = ini, .file_required = true};

static int free_port(void) {
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, length) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return 0;
	return ntohs(address.sin_port);
}

static int begin(void **state) {
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(ini, sizeof(ini), "%s/ini", directory);
	snprintf(log_file, sizeof(log_file), "%s/log", directory);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		ports[i] = free_port();
	return 0;
}

static void remove_file(const char *name) {
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

static int end(void **state) {
	static const char *const left[] = {"ini", "log", "maintenance.second"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		remove_file(left[i]);
	return rmdir(directory);
}

/* Two that have nothing in common: addresses, endpoints, files. */
static void configure(bool second) {
	const char *which = second ? "second" : "first";
	AUTO_FILE FILE *stream = fopen(ini, "w");

	assert_non_null(stream);
	fprintf(stream,
		"[mysql]\npassword_file=%s/absent.%s\ninterval=20ms\n"
		"[http]\nlisten=127.0.0.1:%d\nmax_connections=%d\n"
		"[agent]\nlisten=127.0.0.1:%d\n"
		"[endpoint /%s]\nread_only=available\n"
		"[control]\nsocket=%s/control\n"
		"[notify]\nsocket=%s/notify.%s\n"
		"[maintenance]\nfile=%s/maintenance.%s\nlegacy_file=\n"
		"[log]\nlevel=error\n",
		directory, which, ports[second], second ? 20 : 10, ports[2 + second], which,
		directory, directory, which, directory, which);
}

static bool load(void) {
	char storage[512];
	struct text error;
	int r;

	text_init(&error, storage, sizeof(storage));
	r = config_load(&config, &sources, &error);
	assert_true(r == 0 || error.length > 0);
	return r == 0;
}

/* --- starting ------------------------------------------------------------------------------- */

static size_t count_descriptors(void) {
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static bool exists(const char *name) {
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return access(path, F_OK) == 0;
}

static void start(void *context) {
	size_t before = count_descriptors();
	struct daemon *daemon = NULL;
	char storage[512];
	struct text error;
	int r;

	(void)context;
	text_init(&error, storage, sizeof(storage));
	shortage_begin();
	r = daemon_create(&daemon, &config, &sources, &error);
	shortage_end();
	assert_int_equal(r == 0, daemon != NULL);
	if (r < 0) {
		assert_true(shortage_failures() > 0);
		assert_true(error.length > 0);
	}
	daemon_destroy(daemon);
	assert_int_equal(count_descriptors(), before);
	assert_false(exists("control"));
	assert_false(exists("notify.first"));
}

static void a_start_fails_with_a_reason(void **state) {
	(void)state;
	configure(false);
	assert_true(load());
	assert_true(shortage_walk(start, NULL, false) >= 20);
	assert_true(shortage_walk(start, NULL, true) >= 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_fails_with_a_reason),
	};

	int failed;

	log_set_level(LOG_LEVEL_ERROR);
	if (__real_client_library_init() < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, begin, end);
	__real_client_library_finish();
	return failed;
}
