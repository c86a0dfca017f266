/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl run: daemons in the foreground. They are started with a configuration and sockets of their own, and this
 * process waits beside them: until they are ready, then for their end or for a signal to hand on. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/admin_client.h"
#include "cli/development_certificate.h"
#include "cli/run_address.h"
#include "cli/run_config.h"
#include "cli/run_daemon.h"
#include "cli/run_keys.h"
#include "cli/run_tokens.h"
#include "cli/services.h"
#include "cli/state_folder.h"
#include "cli/verbs.h"
#include "shared/syscall.h"

#define READY_POLL_NSEC 10000000
#define READY_SECONDS 60
#define SIGNAL_EXIT 128 /* child_wait's, for an end by signal */

struct running {
        struct cli *cli;
        struct state_folder folder;
        struct development_certificate certificate; /* of --https */
        struct run_tokens tokens;
        const char *config;             /* file */
        struct run_daemon server, auth; /* the second where the configuration asks for tokens */
        struct run_daemon *heard;       /* to which signals are handed on */
        sigset_t signals;
        unsigned stops; /* how often it was told to */
};

static void running_done(struct running *running) {
        run_tokens_done(&running->tokens);
        development_certificate_done(&running->certificate);
        run_daemon_done(&running->server);
        run_daemon_done(&running->auth);
        state_folder_close(&running->folder);
}

/* The folder to serve: the operand, or --dir; NULL when neither is given. */
static const char *folder_of(const struct cli_arguments *arguments) {
        return arguments->operand_count > 0 ? arguments->operands[0] : cli_argument(arguments, "dir");
}

static int parse_address(const char *option, const char *text, bool has_ipv6, struct error *error,
                         struct run_addresses *ret_addresses) {
        int r = run_address_parse(text, has_ipv6, error, ret_addresses);
        if (r < 0)
                error_prefix(error, "%s", option);
        return r;
}

/* From the folder, --http, --https and --workers to a configuration in the state folder. */
static int make_config(struct running *running, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_text_ struct text text = TEXT_INIT;
        const char *http = cli_argument(arguments, "http"), *https = cli_argument(arguments, "https");
        struct run_config config = { .folder = folder_of(arguments),
                                     .echo = cli_argument(arguments, "echo"),
                                     .upload = cli_argument(arguments, "upload"),
                                     .needs_token = cli_argument(arguments, "token") != NULL,
                                     .state = running->folder.path,
                                     .workers = cli_argument(arguments, "workers") };
        bool has_ipv6 = run_address_has_ipv6();
        int r = 0;
        if (!http && !https)
                http = "localhost:8080";
        if (http)
                r = parse_address("--http", http, has_ipv6, error, &config.http);
        if (r >= 0 && https)
                r = parse_address("--https", https, has_ipv6, error, &config.https);
        if (r >= 0)
                r = run_address_choose_port(&config.http, error);
        if (r >= 0)
                r = run_address_choose_port(&config.https, error);
        if (r >= 0 && https)
                r = development_certificate_get(running->folder.path, error, &running->certificate);
        config.certificate = running->certificate.certificate;
        config.key = running->certificate.key;
        if (r >= 0)
                r = run_config_write(&config, error, &text);
        if (r >= 0)
                r = state_folder_write_config(&running->folder, (struct slice) { text.data, text.length }, error);
        running->config = running->folder.config;
        return r;
}

static void hand_on(struct running *running, int signal_number) {
        if (signal_number == SIGCHLD)
                return;
        /* A daemon takes SIGHUP for a reload; here it says that the terminal has gone. */
        run_daemon_signal(running->heard, SIGTERM);
        running->stops++;
        if (running->stops == 1 && signal_number == SIGINT && !running->cli->json)
                output_print(&running->cli->err, OUTPUT_PLAIN,
                             "\nStopping once requests have ended; Ctrl-C again stops at once.\n");
}

/* Ctrl-C may reach a daemon before it has a group of its own, and be known here only afterwards. */
static bool was_stopped(const struct running *running, int status) {
        return status == 0 || status == SIGNAL_EXIT + SIGINT || (running->stops > 0 && status > SIGNAL_EXIT);
}

/* Waits for a signal, at most `timeout` where it is not NULL, and hands it on. */
static void wait_for_signal(struct running *running, const struct timespec *timeout) {
        int signal_number = sigtimedwait(&running->signals, NULL, timeout);
        if (signal_number > 0)
                hand_on(running, signal_number);
}

/* Its end, whatever signals come meanwhile. Returns as child_wait. */
static int wait_for_end(struct running *running, struct run_daemon *daemon) {
        int status = 0;
        running->heard = daemon;
        while (!run_daemon_has_ended(daemon, &status))
                wait_for_signal(running, NULL);
        return status;
}

/* 0 when the daemon serves, 1 when it has ended before. */
static int wait_until_ready(struct running *running, struct run_daemon *daemon, int *ret_status, struct error *error) {
        static const struct timespec pause = { .tv_nsec = READY_POLL_NSEC };
        time_t latest = time(NULL) + READY_SECONDS;
        while (!run_daemon_has_ended(daemon, ret_status)) {
                if (run_daemon_is_ready(daemon))
                        return 0;
                if (time(NULL) > latest) {
                        run_daemon_signal(daemon, SIGKILL);
                        *ret_status = wait_for_end(running, daemon);
                        return error_set(error, -ETIMEDOUT, "%s is not ready after %d s", daemon->service->program,
                                         READY_SECONDS);
                }
                wait_for_signal(running, &pause);
        }
        return 1;
}

static struct json_object *address_object(struct json_object *listener, const char *bound, const char *url, bool tls) {
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "name", output_json_string(json_member_string(listener, "name", NULL)));
        json_object_object_add(object, "address", output_json_string(bound));
        json_object_object_add(object, "tls", json_object_new_boolean(tls));
        json_object_object_add(object, "url", output_json_slice((struct slice) { url, strcspn(url, " ") }));
        return object;
}

/* Each once: 127.0.0.1 and ::1 are both localhost. `printed` holds them with a space on either side. */
static void print_urls(struct output *output, char *urls, struct text *printed) {
        for (char *url; (url = strsep(&urls, " "));) {
                _cleanup_text_ struct text spaced = TEXT_INIT;
                text_printf(&spaced, " %s ", url);
                if (spaced.failed || (printed->data && strstr(printed->data, spaced.data)))
                        continue;
                text_append_string(printed, spaced.data);
                output_print(output, OUTPUT_STRONG, "  %s\n", url);
        }
}

/* Where it serves, as the daemon says: a port 0 has become a real one. */
static struct json_object *say_addresses(struct running *running, struct json_object *status) {
        struct json_object *addresses = json_object_new_array(), *listeners = json_member_array(status, "listeners");
        _cleanup_text_ struct text printed = TEXT_INIT;
        for (size_t i = 0; listeners && i < json_object_array_length(listeners); i++) {
                struct json_object *listener = json_object_array_get_idx(listeners, i);
                bool tls = json_member_boolean(listener, "tls");
                const char *bound = json_member_string(listener, "address", NULL);
                _cleanup_text_ struct text urls = TEXT_INIT;
                if (!bound)
                        continue;
                run_address_append_urls(&urls, bound, tls);
                if (!urls.data)
                        continue;
                json_object_array_add(addresses, address_object(listener, bound, urls.data, tls));
                if (!running->cli->json)
                        print_urls(&running->cli->out, urls.data, &printed);
        }
        return addresses;
}

static void say_certificate(struct running *running) {
        struct output *out = &running->cli->out;
        const struct development_certificate *certificate = &running->certificate;
        char day[16] = "";
        struct tm parts;
        time_t expires = (time_t) certificate->expires;
        if (!certificate->certificate)
                return;
        if (localtime_r(&expires, &parts))
                (void) strftime(day, sizeof(day), "%F", &parts);
        output_print(out, OUTPUT_PLAIN, "The certificate is made for development: %s, until %s.\n",
                     certificate->certificate, day);
}

static int say_ready(struct running *running, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_json_ struct json_object *status = NULL;
        struct output *out = &running->cli->out;
        const char *folder = folder_of(arguments);
        int r = admin_get_json(running->server.socket, "/status", error, &status);
        if (r < 0)
                return r;
        if (!running->cli->json)
                output_print(out, OUTPUT_PLAIN, "Serving %s on\n", folder ? folder : running->config);
        struct json_object *addresses = say_addresses(running, status), *object = json_object_new_object();
        json_object_object_add(object, "result", output_json_string("ready"));
        json_object_object_add(object, "pid", json_object_new_int((int) running->server.pid));
        json_object_object_add(object, "config", output_json_string(running->config));
        json_object_object_add(object, "admin_socket", output_json_string(running->server.socket));
        json_object_object_add(object, "certificate", output_json_string(running->certificate.certificate));
        json_object_object_add(object, "addresses", addresses);
        run_tokens_add(&running->tokens, object);
        if (running->cli->json) {
                output_json_line(out, object);
        } else {
                json_object_put(object);
                say_certificate(running);
                run_tokens_say(&running->tokens, running->folder.is_temporary, out);
                output_print(out, OUTPUT_PLAIN, "Ctrl-C stops.\n");
        }
        (void) fflush(out->stream);
        running->cli->reported = true;
        return 0;
}

/* From before there is a folder to remove, until it is removed, none of them ends this process. */
static void take_signals(struct running *running) {
        (void) sigemptyset(&running->signals);
        (void) sigaddset(&running->signals, SIGCHLD);
        (void) sigaddset(&running->signals, SIGHUP);
        (void) sigaddset(&running->signals, SIGINT);
        (void) sigaddset(&running->signals, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &running->signals, NULL); /* cannot fail with these arguments */
}

/* From its start until it serves. 1 when it has ended before: in order, as it was told to, or *error says why. */
static int bring_up(struct running *running, struct run_daemon *daemon, const struct cli_service *service,
                    struct error *error) {
        int status = 0;
        running->heard = daemon;
        int r = run_daemon_start(daemon, service, &running->folder, running->config, error);
        if (r >= 0)
                r = wait_until_ready(running, daemon, &status, error);
        if (r == 0 && running->stops > 0)
                return 1; /* it is ready, and stopping already */
        if (r == 1 && !was_stopped(running, status))
                return error_set(error, -ECHILD, "%s did not start (exit status %d); it says above why",
                                 service->program, status);
        return r;
}

/* The server last, since it asks the other; both, or neither. As bring_up. */
static int bring_up_all(struct running *running, const struct cli_arguments *arguments, struct error *error) {
        const struct cli_service *auth = NULL;
        enum run_tokens_place place = run_tokens_place(running->config, &running->folder);
        if (place == RUN_TOKENS_ELSEWHERE)
                cli_note(running->cli,
                         "ccodes-auth, which uploads need a token of, is not run here: with --state FOLDER it is where "
                         "[auth] "
                         "has socket = \"FOLDER/auth-grants.sock\" and public_keys = \"FOLDER/grant-keys\"");
        int r = place == RUN_TOKENS_HERE ? cli_service_find("auth", error, &auth) : 0;
        if (r >= 0 && auth)
                r = bring_up(running, &running->auth, auth, error);
        if (r == 0 && auth)
                r = run_tokens_prepare(&running->tokens, &running->folder, cli_argument(arguments, "token") != NULL,
                                       error);
        return r == 0 ? bring_up(running, &running->server, &cli_services[0], error) : r;
}

/* Until the server ends, or the other one, without which it is of no use. */
static int serve(struct running *running, struct error *error) {
        int status = 0, auth_status = 0;
        bool has_auth = running->auth.pid > 0;
        while (!run_daemon_has_ended(&running->server, &status)) {
                if (has_auth && run_daemon_has_ended(&running->auth, &auth_status))
                        return run_daemon_explain_end(&running->auth, auth_status ? auth_status : 1, error);
                wait_for_signal(running, NULL);
        }
        return was_stopped(running, status) ? 0 : run_daemon_explain_end(&running->server, status, error);
}

/* Whatever still runs; the server first, whose last requests may ask the other. */
static void bring_down(struct running *running) {
        struct run_daemon *const daemons[] = { &running->server, &running->auth };
        for (size_t i = 0; i < ELEMENTS_OF(daemons); i++) {
                run_daemon_signal(daemons[i], SIGTERM);
                (void) wait_for_end(running, daemons[i]);
        }
}

static int run_to_the_end(struct running *running, const struct cli_arguments *arguments, struct error *error) {
        int r = bring_up_all(running, arguments, error);
        if (r == 0)
                r = say_ready(running, arguments, error);
        if (r == 0)
                r = serve(running, error);
        bring_down(running);
        return r < 0 ? r : CLI_DONE;
}

int verb_run(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_(running_done) struct running running = { .cli = cli, .folder = STATE_FOLDER_INIT };
        const char *folder = folder_of(arguments);
        running.config = cli_argument(arguments, "config");
        if (!folder && !running.config)
                return cli_refuse(cli, "say what to serve: a folder, or --config FILE");
        if (arguments->operand_count > 0 && cli_argument(arguments, "dir"))
                return cli_refuse(cli, "two folders are given; one can be served");
        if (running.config && (folder || cli_argument(arguments, "http") || cli_argument(arguments, "https") ||
                               cli_argument(arguments, "workers") || cli_argument(arguments, "upload") ||
                               cli_argument(arguments, "token")))
                return cli_refuse(cli, "with --config the configuration says folders, addresses and workers");
        if (cli_argument(arguments, "token") && !cli_argument(arguments, "upload"))
                return cli_refuse(cli, "--token is for what --upload PATH=FOLDER takes");
        take_signals(&running);
        int r = state_folder_open(cli_argument(arguments, "state"), error, &running.folder);
        if (r >= 0 && folder)
                r = make_config(&running, arguments, error);
        if (r == -EINVAL) /* of what was written on the command line */
                return cli_refuse(cli, "%s", error->text);
        if (r >= 0)
                r = run_keys_prepare(&running.folder, running.config, error);
        return r < 0 ? r : run_to_the_end(&running, arguments, error);
}
