/* SPDX-License-Identifier: Apache-2.0 */
/* An open-loop client: requests fall due at a fixed rate, whatever the server does, and latency counts from when a
 * request was due. A slow answer therefore shows in all that had to wait for it, where a closed loop would merely ask
 * less (wrk does; its successor wrk2 is not packaged). Prints a JSON object. With --wait, says when all connections are
 * there and waits for a line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "client_connection.h"

#define NSEC_PER_SEC 1000000000ull
#define GRACE_NSEC (5 * NSEC_PER_SEC) /* for the last answers */
#define CONNECTS_AT_A_TIME 128
#define RECONNECT_NSEC (10 * 1000000ull) /* between two attempts */

struct options {
        int port;
        bool tls, wait;
        const char *path;
        unsigned rate, connections, seconds;
        char fields[1024];
};

/* A connection that is broken has fd -1; one that is busy has `due`. */
struct client {
        struct client_connection connection;
        unsigned index;
        uint64_t due; /* of the request that is under way; 0: none */
        struct client *next_idle;
};

struct run {
        struct options options;
        struct client_target target;
        char request[2048];
        size_t request_length;
        int epoll;
        struct client *clients;
        struct client *idle, **idle_end; /* first in, first out, so that every connection works */
        uint64_t start, reconnected_at;
        uint64_t total, issued, answered, lost, wrong, retried, reconnects;
        unsigned broken;
        uint64_t *latencies;   /* of the answered */
        uint64_t last_failure; /* an errno, for the report */
};

static void open_client(struct run *run, struct client *client) {
        int r = client_connection_open(&client->connection, &run->target, client->index, NULL, run->epoll, client);
        if (r < 0)
                run->broken++;
}

static void push_idle(struct run *run, struct client *client) {
        client->next_idle = NULL;
        *run->idle_end = client;
        run->idle_end = &client->next_idle;
}

static void unlink_idle(struct run *run, struct client **link) {
        struct client *client = *link;
        *link = client->next_idle;
        if (run->idle_end == &client->next_idle)
                run->idle_end = link;
}

static struct client *pop_idle(struct run *run) {
        struct client *client = run->idle;
        unlink_idle(run, &run->idle);
        return client;
}

static void drop_idle(struct run *run, const struct client *client) {
        for (struct client **link = &run->idle; *link; link = &(*link)->next_idle) {
                if (*link == client) {
                        unlink_idle(run, link);
                        return;
                }
        }
}

static void send_request(struct run *run, struct client *client, uint64_t due);

/* The connection is gone. What was under way on it is lost, unless the server never took it: then another sends it. */
static void fail(struct run *run, struct client *client, int failure) {
        uint64_t due = client->due;
        bool retry = due > 0 && client_connection_closed_while_idle(&client->connection);
        bool was_open = client->connection.is_open;
        if (due == 0)
                drop_idle(run, client);
        client_connection_close(&client->connection);
        client->due = 0;
        run->reconnects++;
        run->broken++;
        if ((due > 0 && !retry) || !was_open) {
                run->lost++;
                run->last_failure = (uint64_t) -failure;
        } else if (retry) {
                run->retried++;
                if (run->idle) {
                        send_request(run, pop_idle(run), due);
                } else {
                        run->lost++;
                }
        }
}

static void send_request(struct run *run, struct client *client, uint64_t due) {
        client->due = due;
        int r = client_connection_send(&client->connection, run->request, run->request_length);
        if (r < 0)
                fail(run, client, r);
}

static void on_event(struct run *run, struct client *client) {
        int r = 0;
        if (client->connection.fd < 0)
                return;
        if (!client->connection.is_open) {
                r = client_connection_establish(&client->connection);
                if (r == 0)
                        push_idle(run, client);
                else if (r != -EAGAIN)
                        fail(run, client, r);
                return;
        }
        r = client_connection_receive(&client->connection);
        if (r < 0) {
                if (r != -EAGAIN)
                        fail(run, client, r);
                return;
        }
        if (client->due == 0)
                return;
        run->wrong += client->connection.status != 200;
        run->latencies[run->answered++] = client_now() - client->due;
        client->due = 0;
        push_idle(run, client);
}

static uint64_t due_of(const struct run *run, uint64_t index) {
        return run->start + index * NSEC_PER_SEC / run->options.rate;
}

static void issue_due(struct run *run) {
        uint64_t now = client_now();
        while (run->idle && run->issued < run->total && due_of(run, run->issued) <= now) {
                uint64_t due = due_of(run, run->issued++);
                send_request(run, pop_idle(run), due);
        }
}

static void mend_broken(struct run *run) {
        uint64_t now = client_now();
        if (run->broken == 0 || now - run->reconnected_at < RECONNECT_NSEC)
                return;
        run->reconnected_at = now;
        run->broken = 0;
        for (unsigned i = 0; i < run->options.connections; i++) {
                if (run->clients[i].connection.fd < 0)
                        open_client(run, &run->clients[i]);
        }
}

static void wait_for_events(struct run *run) {
        struct epoll_event events[256];
        uint64_t now = client_now(), until = now + NSEC_PER_SEC;
        if (run->idle && run->issued < run->total)
                until = due_of(run, run->issued);
        if (run->broken > 0 && now + RECONNECT_NSEC < until)
                until = now + RECONNECT_NSEC;
        uint64_t left = until > now ? until - now : 0;
        struct timespec timeout = {
                .tv_sec = (time_t) (left / NSEC_PER_SEC),
                .tv_nsec = (long) (left % NSEC_PER_SEC),
        };
        int count = epoll_pwait2(run->epoll, events, 256, &timeout, NULL);
        for (int i = 0; i < count; i++)
                on_event(run, events[i].data.ptr);
}

static bool all_open(const struct run *run, unsigned first, unsigned end) {
        for (unsigned i = first; i < end; i++) {
                if (!run->clients[i].connection.is_open)
                        return false;
        }
        return true;
}

/* Every connection is there before the clock starts; a number at a time, so that no listen queue overflows. */
static int connect_all(struct run *run) {
        unsigned end;
        for (unsigned first = 0; first < run->options.connections; first = end) {
                uint64_t start = client_now();
                end = first + CONNECTS_AT_A_TIME;
                if (end > run->options.connections)
                        end = run->options.connections;
                for (unsigned i = first; i < end; i++) {
                        run->clients[i].index = i;
                        open_client(run, &run->clients[i]);
                }
                while (!all_open(run, first, end)) {
                        if (run->lost > 0 || run->broken > 0 || client_now() - start > GRACE_NSEC)
                                return -ECONNREFUSED;
                        wait_for_events(run);
                }
        }
        return 0;
}

static void run_load(struct run *run) {
        run->start = client_now();
        uint64_t end = due_of(run, run->total) + GRACE_NSEC;
        while (run->answered + run->lost < run->total && client_now() < end) {
                issue_due(run);
                wait_for_events(run);
                mend_broken(run);
        }
        if (run->answered + run->lost < run->total)
                run->lost = run->total - run->answered;
}

static int compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
        return (x > y) - (x < y);
}

static double quantile_usec(const struct run *run, double quantile) {
        if (run->answered == 0)
                return 0;
        uint64_t index = (uint64_t) (quantile * (double) run->answered);
        return (double) run->latencies[index < run->answered ? index : run->answered - 1] / 1000;
}

static void report(const struct run *run) {
        qsort(run->latencies, run->answered, sizeof(uint64_t), compare);
        printf("{\"due\": %llu, \"answered\": %llu, \"wrong\": %llu, \"lost\": %llu, \"retried\": %llu, "
               "\"reconnects\": %llu, \"failure\": \"%s\", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
               "\"max_us\": %.1f}\n",
               (unsigned long long) run->total, (unsigned long long) run->answered, (unsigned long long) run->wrong,
               (unsigned long long) run->lost, (unsigned long long) run->retried, (unsigned long long) run->reconnects,
               run->last_failure ? strerror((int) run->last_failure) : "", quantile_usec(run, 0.5),
               quantile_usec(run, 0.99), quantile_usec(run, 0.999), quantile_usec(run, 1));
}

static bool parse_options(int argc, char **argv, struct options *ret_options) {
        static const struct option known[] = {
                { "port", required_argument, NULL, 'p' },
                { "tls", no_argument, NULL, 't' },
                { "wait", no_argument, NULL, 'w' },
                { "path", required_argument, NULL, 'u' },
                { "rate", required_argument, NULL, 'r' },
                { "connections", required_argument, NULL, 'c' },
                { "seconds", required_argument, NULL, 's' },
                { "header", required_argument, NULL, 'h' },
                { 0 },
        };
        struct options options = { .path = "/", .rate = 1000, .connections = 64, .seconds = 1 };
        size_t used = 0;
        for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
                if (option == 'p')
                        options.port = atoi(optarg);
                else if (option == 't')
                        options.tls = true;
                else if (option == 'w')
                        options.wait = true;
                else if (option == 'u')
                        options.path = optarg;
                else if (option == 'r')
                        options.rate = (unsigned) atoi(optarg);
                else if (option == 'c')
                        options.connections = (unsigned) atoi(optarg);
                else if (option == 's')
                        options.seconds = (unsigned) atoi(optarg);
                else if (option == 'h' && used < sizeof(options.fields))
                        used += (size_t) snprintf(options.fields + used, sizeof(options.fields) - used, "%s\r\n",
                                                  optarg);
                else
                        return false;
        }
        *ret_options = options;
        return options.port > 0 && options.rate > 0 && options.connections > 0;
}

int main(int argc, char **argv) {
        struct run run = { 0 };
        if (!parse_options(argc, argv, &run.options)) {
                fprintf(stderr, "Usage: open_loop --port N [--tls] [--path P] [--header 'NAME: VALUE'] [--rate N] "
                                "[--connections N] [--seconds N] [--wait]\n");
                return 2;
        }
        client_raise_file_limit();
        run.request_length = (size_t) snprintf(run.request, sizeof(run.request),
                                               "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", run.options.path,
                                               run.options.fields);
        run.total = (uint64_t) run.options.rate * run.options.seconds;
        run.clients = calloc(run.options.connections, sizeof(*run.clients));
        run.latencies = calloc(run.total, sizeof(*run.latencies));
        run.idle_end = &run.idle;
        run.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (!run.clients || !run.latencies || run.epoll < 0 || run.request_length >= sizeof(run.request) ||
            client_target_init(&run.target, run.options.port, run.options.tls) < 0)
                return 1;
        if (connect_all(&run) < 0) {
                fprintf(stderr, "open_loop: cannot open %u connections to port %d\n", run.options.connections,
                        run.options.port);
                return 1;
        }
        if (run.options.wait) {
                puts("connected");
                (void) fflush(stdout);
                (void) getchar();
        }
        run_load(&run);
        report(&run);
        return 0;
}
