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
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "serve/daemon.h"
#include "shortage.h"

/* What the kernel needs memory for, too. */
int __real_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);
int __real_eventfd(unsigned int count, int flags);
int __real_inotify_init1(int flags);
int __wrap_thread_start(pthread_t *thread, void *(*run)(void *context), void *context);
int __wrap_eventfd(unsigned int count, int flags);
int __wrap_inotify_init1(int flags);

int __wrap_thread_start(pthread_t *thread, void *(*run)(void *context), void *context) {
	return shortage_strikes() ? -EAGAIN : __real_thread_start(thread, run, context);
}

int __wrap_eventfd(unsigned int count, int flags) {
	return shortage_strikes() ? -1 : __real_eventfd(count, flags);
}

int __wrap_inotify_init1(int flags) {
	return shortage_strikes() ? -1 : __real_inotify_init1(flags);
}

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

/* Below those that the kernel gives to outgoing connections. */
static int free_port(void) {
	static int port;
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!port)
		port = 24000 + getpid() % 8000;
	do
		address.sin_port = htons((in_port_t)++port);
	while (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 && port < 32768);
	return port;
}

static int begin(void **state) {
	(void)state;
	if (make_directory(directory) < 0)
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
	assert_true(daemon || r < 0);
	if (r < 0) {
		assert_true(shortage_failures() > 0);
		assert_true(error.length > 0);
	}
	assert_true(daemon_destroy(daemon));
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

/* --- reloading ------------------------------------------------------------------------------ */

static struct daemon *running;

static int connect_to(int port) {
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons((in_port_t)port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return TAKE_FD(fd);
}

static bool listens(int port) {
	AUTO_CLOSE int fd = connect_to(port);

	return fd >= 0;
}

/* Over the control socket, which stays through all reloads. */
static bool has_endpoint(const char *name) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char request[64], answer[64] = "";
	int status = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", directory);
	snprintf(request, sizeof(request), "GET /%s HTTP/1.0\r\n\r\n", name);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	assert_true(recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) > 0);
	assert_int_equal(sscanf(answer, "HTTP/1.%*d %d", &status), 1);
	assert_true(status == 503 || status == 404);
	return status == 503;
}

/* Which of the two it is that runs, and that nothing of the other does. */
static void assert_runs(bool second) {
	for (int i = 0; i < 2; i++) {
		bool is_this = i == second;

		assert_int_equal(listens(ports[i]), is_this);
		assert_int_equal(listens(ports[2 + i]), is_this);
		assert_int_equal(exists(i ? "notify.second" : "notify.first"), is_this);
		assert_int_equal(has_endpoint(i ? "second" : "first"), is_this);
	}
}

/* What the daemon has said meanwhile. */
static void run_and_listen(char *said, size_t size) {
	AUTO_CLOSE int stderr_before = dup(STDERR_FILENO);
	AUTO_CLOSE int fd = open(log_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t length;

	assert_true(fd >= 0);
	dup2(fd, STDERR_FILENO);
	/* Both are waiting when it looks, and it takes the lower number first. */
	raise(SIGHUP);
	raise(SIGTERM);
	shortage_begin();
	daemon_run(running);
	shortage_end();
	dup2(stderr_before, STDERR_FILENO);
	length = pread(fd, said, size - 1, 0);
	said[length > 0 ? length : 0] = '\0';
}

static void reload(void *context) {
	static bool second;
	char said[1024];
	char *failed;

	(void)context;
	configure(!second);
	run_and_listen(said, sizeof(said));
	failed = strstr(said, "reload failed: ");
	if (failed) {
		assert_true(shortage_failures() > 0);
		assert_true(strncmp(failed, "reload failed: ;", 16) != 0);
	} else {
		second = !second;
	}
	assert_runs(second);
}

static void a_reload_is_made_whole_or_not_at_all(void **state) {
	size_t before = count_descriptors();
	char storage[512];
	struct text error;

	(void)state;
	text_init(&error, storage, sizeof(storage));
	configure(false);
	assert_true(load());
	assert_int_equal(daemon_create(&running, &config, &sources, &error), 0);
	assert_runs(false);
	assert_true(shortage_walk(reload, NULL, false) >= 10);
	assert_true(shortage_walk(reload, NULL, true) >= 1);
	assert_true(daemon_destroy(running));
	assert_int_equal(count_descriptors(), before);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_fails_with_a_reason),
		cmocka_unit_test(a_reload_is_made_whole_or_not_at_all),
	};

	int failed;

	log_set_level(LOG_LEVEL_ERROR);
	if (__real_client_library_init() < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, begin, end);
	__real_client_library_finish();
	return failed;
}
