/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: tasks from several loops go out and come back to the loop that they came from, the queue is bounded,
 * freeing cancels what is queued, and no signal reaches a pool thread. Made for ThreadSanitizer. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/syscall.h"
#include "shared/thread_pool.h"

#define TASKS 32
#define ROUNDS 2000
#define SUBMITTERS 3

struct submitter {
        pthread_t thread;
        struct thread_pool *pool;
        struct loop *loop;
        unsigned to_submit, to_come;
        int result;
};

struct job {
        struct thread_task task;
        struct submitter *submitter;
        unsigned input, output; /* plain: the hand-over alone orders the accesses */
};

static void square(struct thread_task *task) {
        struct job *job = container_of(task, struct job, task);
        job->output = job->input * job->input;
}

static void submit_next(struct job *job) {
        struct submitter *submitter = job->submitter;
        if (submitter->to_submit == 0)
                return;
        job->input = --submitter->to_submit;
        if (thread_pool_submit(submitter->pool, submitter->loop, &job->task) < 0) {
                submitter->result = -EAGAIN;
                loop_stop(submitter->loop, 0);
        }
}

static void take_result(struct thread_task *task) {
        struct job *job = container_of(task, struct job, task);
        struct submitter *submitter = job->submitter;
        if (job->output != job->input * job->input || !pthread_equal(pthread_self(), submitter->thread))
                submitter->result = -EBADMSG;
        if (--submitter->to_come == 0)
                loop_stop(submitter->loop, 0);
        submit_next(job);
}

static void *submit_all(void *userdata) {
        struct submitter *submitter = userdata;
        struct job jobs[TASKS];
        submitter->result = loop_new(&submitter->loop);
        if (submitter->result < 0)
                return NULL;
        submitter->to_submit = submitter->to_come = ROUNDS;
        submitter->thread = pthread_self();
        for (size_t i = 0; i < TASKS; i++) {
                jobs[i] = (struct job) { .task = { .run = square, .done = take_result }, .submitter = submitter };
                submit_next(&jobs[i]);
        }
        (void) loop_run(submitter->loop);
        return NULL;
}

static void assert_figures(struct thread_pool *pool, size_t waiting, size_t running, uint64_t refused) {
        struct thread_pool_figures figures = thread_pool_figures(pool);
        assert_int_equal(figures.waiting, waiting);
        assert_int_equal(figures.running, running);
        assert_int_equal(figures.refused, refused);
}

static void tasks_come_back_to_the_loop_they_came_from(void **state) {
        (void) state;
        struct thread_pool *pool = NULL;
        struct submitter submitters[SUBMITTERS];
        pthread_t threads[SUBMITTERS];
        assert_int_equal(thread_pool_new("test", 3, SUBMITTERS * TASKS, &pool), 0);
        for (size_t i = 0; i < SUBMITTERS; i++) {
                submitters[i] = (struct submitter) { .pool = pool };
                assert_int_equal(pthread_create(&threads[i], NULL, submit_all, &submitters[i]), 0);
        }
        for (size_t i = 0; i < SUBMITTERS; i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_figures(pool, 0, 0, 0); /* what has come back is not counted as running */
        thread_pool_free(pool);
        for (size_t i = 0; i < SUBMITTERS; i++) {
                assert_int_equal(submitters[i].result, 0);
                assert_int_equal(submitters[i].to_come, 0);
                loop_free(submitters[i].loop);
        }
}

/* A task that says that it runs, and then runs until it shall stop. */
struct gate {
        struct thread_task task;
        sem_t is_running;
        bool signals_are_blocked, was_run, was_cancelled, is_done;
        pthread_t canceller;
};

static void wait_for(sem_t *semaphore) {
        while (sem_wait(semaphore) < 0)
                assert_int_equal(errno, EINTR);
}

static void pass_gate(struct thread_task *task) {
        struct gate *gate = container_of(task, struct gate, task);
        sigset_t blocked;
        gate->was_run = true;
        gate->signals_are_blocked = pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
                                    sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGCHLD) == 1;
        sem_post(&gate->is_running);
        while (!atomic_load(task->stop))
                (void) sched_yield();
}

static void gate_cancelled(struct thread_task *task) {
        struct gate *gate = container_of(task, struct gate, task);
        gate->was_cancelled = true;
        gate->canceller = pthread_self();
}

static void gate_done(struct thread_task *task) {
        container_of(task, struct gate, task)->is_done = true;
}

static void gate_init(struct gate *gate) {
        *gate = (struct gate) { .task = { .run = pass_gate, .cancel = gate_cancelled, .done = gate_done } };
        assert_int_equal(sem_init(&gate->is_running, 0, 0), 0);
}

static void what_has_not_begun_is_cancelled_at_the_end(void **state) {
        (void) state;
        struct thread_pool *pool = NULL;
        struct loop *loop = NULL;
        struct gate gates[4];
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(thread_pool_new("test", 1, 2, &pool), 0);
        for (size_t i = 0; i < 4; i++)
                gate_init(&gates[i]);
        gates[2].task.cancel = NULL;
        assert_figures(pool, 0, 0, 0);
        assert_int_equal(thread_pool_submit(pool, loop, &gates[0].task), 0);
        wait_for(&gates[0].is_running); /* by the only thread, so that the others wait */
        assert_int_equal(thread_pool_submit(pool, loop, &gates[1].task), 0);
        assert_int_equal(thread_pool_submit(pool, loop, &gates[2].task), 0);
        assert_int_equal(thread_pool_submit(pool, loop, &gates[3].task), -EAGAIN);
        assert_figures(pool, 2, 1, 1);

        thread_pool_free(pool);
        assert_true(gates[0].signals_are_blocked);
        assert_true(gates[1].was_cancelled && pthread_equal(gates[1].canceller, pthread_self()));
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(gates[i].was_run, i == 0);
                assert_int_equal(gates[i].was_cancelled, i == 1);
                assert_int_equal(gates[i].task.result, i == 0 ? 0 : -ECANCELED);
                assert_false(gates[i].is_done); /* the loop has not run */
        }
        loop_free(loop);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(gates[i].is_done, i < 3);
                sem_destroy(&gates[i].is_running);
        }
}

/* Each task comes back once, run or cancelled, however far the threads have come. */
static void a_full_queue_is_given_back_whole(void **state) {
        (void) state;
        enum { COUNT = 500 };
        struct thread_pool *pool = NULL;
        struct loop *loop = NULL;
        struct gate *gates = calloc(COUNT, sizeof(*gates));
        unsigned run = 0, cancelled = 0, done = 0;
        assert_non_null(gates);
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(thread_pool_new("test", 3, COUNT, &pool), 0);
        for (size_t i = 0; i < COUNT; i++) {
                gate_init(&gates[i]);
                assert_int_equal(thread_pool_submit(pool, loop, &gates[i].task), 0);
        }
        thread_pool_free(pool);
        loop_free(loop);
        for (size_t i = 0; i < COUNT; i++) {
                run += gates[i].was_run;
                cancelled += gates[i].was_cancelled;
                done += gates[i].is_done && gates[i].was_run != gates[i].was_cancelled;
                sem_destroy(&gates[i].is_running);
        }
        assert_in_range(run, 0, 3);
        assert_int_equal(run + cancelled, COUNT);
        assert_int_equal(done, COUNT);
        free(gates);
}

static void the_makers_signals_are_as_before(void **state) {
        (void) state;
        sigset_t before, after;
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        struct thread_pool *pool = NULL;
        assert_int_equal(thread_pool_new("test", 2, 1, &pool), 0);
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        for (int i = 1; i < 32; i++)
                assert_int_equal(sigismember(&before, i), sigismember(&after, i));
        thread_pool_free(pool);
        thread_pool_free(NULL);
}

static void a_pool_needs_threads(void **state) {
        (void) state;
        struct thread_pool *pool = NULL;
        assert_int_equal(thread_pool_new("test", 0, 1, &pool), -EINVAL);
        assert_null(pool);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tasks_come_back_to_the_loop_they_came_from),
                cmocka_unit_test(what_has_not_begun_is_cancelled_at_the_end),
                cmocka_unit_test(a_full_queue_is_given_back_whole),
                cmocka_unit_test(the_makers_signals_are_as_before),
                cmocka_unit_test(a_pool_needs_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
