/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

#include "shared/list.h"
#include "shared/timer_wheel.h"

/*
 * The event loop of one thread: epoll, a timer wheel, deferred work, a mailbox and signals.
 *
 * Each turn waits, reads the clocks once, runs I/O callbacks, delivers messages, fires timers, then runs deferred work.
 * I/O comes before timers so that a loop that was held up does not cut connections whose bytes have already come.
 * Only loop_post and loop_turns may be called from another thread. Callbacks get their own object back as userdata.
 */
struct loop;

int loop_new(struct loop **ret_loop);

/* Takes NULL. No other thread may be within loop_post any more; deferred work that has not run is forgotten. */
void loop_free(struct loop *loop);

/* Runs until loop_stop; returns what was given to it, or a negative errno of epoll_wait. May be called again. */
int loop_run(struct loop *loop);

/* Ends loop_run at the end of this turn; when it does not run, the next one returns at once. */
void loop_stop(struct loop *loop, int result);

/* The clocks as read at the start of this turn, before the first one by loop_new and loop_run. */
uint64_t loop_now(const struct loop *loop);          /* CLOCK_MONOTONIC, ms */
uint64_t loop_now_usec(const struct loop *loop);     /* CLOCK_MONOTONIC, us */
int64_t loop_realtime_usec(const struct loop *loop); /* CLOCK_REALTIME, us since the epoch */
static inline time_t loop_realtime(const struct loop *loop) {
        return (time_t) (loop_realtime_usec(loop) / 1000000);
}

/*
 * Turns so far; any thread. A count that grows shows progress, but one that does not proves nothing: a loop without
 * work sleeps and does not turn. A watchdog therefore posts a message of its own (loop_post wakes a sleeping loop) and
 * takes the loop for stuck when, an interval later, it has been neither delivered nor followed by further turns.
 */
uint64_t loop_turns(const struct loop *loop);

/* A descriptor that is watched. Embedded in its owner, who starts it off as LOOP_IO_INIT; the loop never closes the
 * descriptor. */
struct loop_io {
        int fd; /* -1 while not watched */
        uint32_t events;
        void (*on_event)(struct loop_io *io, uint32_t events, void *userdata);
        void *userdata;
};

#define LOOP_IO_INIT ((struct loop_io) { .fd = -1 })

static inline bool loop_io_is_started(const struct loop_io *io) {
        return io->fd >= 0;
}

/* `events` as in epoll(7), EPOLLET and EPOLLEXCLUSIVE included. Negative errno of epoll_ctl, and then nothing changed. */
int loop_io_start(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
                  void (*on_event)(struct loop_io *io, uint32_t events, void *userdata), void *userdata);

/* Events that epoll reported in this turn and that are no longer asked for are not delivered. */
int loop_io_change(struct loop *loop, struct loop_io *io, uint32_t events);

/* To be called before the descriptor is closed. Also takes back what epoll reported in this turn, so that the owner may
 * be freed at once. Does nothing to one that is not watched. */
void loop_io_stop(struct loop *loop, struct loop_io *io);

void loop_timer_start(struct loop *loop, struct timer *timer, uint64_t deadline_ms);
void loop_timer_stop(struct loop *loop, struct timer *timer);

/*
 * Work for the end of this turn, before the loop waits again; each runs once a loop_defer, deferring twice is once. Work
 * that is deferred by deferred work runs in the same turn too, unless it goes on so for more than LOOP_DEFERRED_ROUNDS:
 * then the loop looks at its descriptors in between, so that I/O and timers are not starved.
 */
#define LOOP_DEFERRED_ROUNDS 4

struct loop_deferred {
        struct list link;
        void (*run)(struct loop_deferred *deferred, void *userdata);
        void *userdata;
};

void loop_deferred_init(struct loop_deferred *deferred, void (*run)(struct loop_deferred *, void *), void *userdata);
void loop_defer(struct loop *loop, struct loop_deferred *deferred);
void loop_deferred_cancel(struct loop_deferred *deferred);

/*
 * A message from any thread. Embedded in its owner, which gives it away with loop_post and has it back when
 * `deliver` runs, on the loop's thread. Lock-free, in order per sender; costs a system call only when the loop sleeps.
 * What is posted by `deliver` is delivered in the next turn. Messages that are still undelivered when the loop is freed
 * are delivered then.
 */
struct loop_message {
        struct loop_message *next;
        void (*deliver)(struct loop_message *message, void *userdata);
        void *userdata;
};

void loop_post(struct loop *loop, struct loop_message *message);

/* Blocks the signals for this thread (call before other threads start) and reports them through signalfd; they stay
 * blocked when the loop is freed. `sender` is 0 for the kernel. -EBUSY when the loop watches signals already. */
int loop_watch_signals(struct loop *loop, const sigset_t *signals,
                       void (*on_signal)(int signal_number, pid_t sender, void *userdata), void *userdata);
