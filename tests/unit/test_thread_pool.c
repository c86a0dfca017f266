/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: tasks from several loops go out and come back to the loop that they came from, the queue is bounded,
 * freeing runs what is queued, and no signal reaches a pool thread. Made for ThreadSanitizer. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

static void tasks_come_back_to_the_loop_they_came_from(void **state) {
        (void) state;
        struct thread_pool *pool = NULL;
        struct submitter submitters[SUBMITTERS];
        pthread_t threads[SUBMITTERS];
        assert_int_equal(thread_pool_new(3, SUBMITTERS * TASKS, &pool), 0);
        for (size_t i = 0; i < SUBMITTERS; i++) {
                submitters[i] = (struct submitter) { .pool = pool };
                assert_int_equal(pthread_create(&threads[i], NULL, submit_all, &submitters[i]), 0);
        }
        for (size_t i = 0; i < SUBMITTERS; i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        size_t waiting = 9, running = 9;
        thread_pool_depth(pool, &waiting, &running);
        assert_int_equal(waiting + running, 0); /* what has come back is not counted as running */
        thread_pool_free(pool);
        for (size_t i = 0; i < SUBMITTERS; i++) {
                assert_int_equal(submitters[i].result, 0);
                assert_int_equal(submitters[i].to_come, 0);
                loop_free(submitters[i].loop);
        }
}

/* A task that says that it runs and then waits until it may end. */
struct gate {
        struct thread_task task;
        sem_t is_running, may_end;
        bool signals_are_blocked, is_done;
};

static void wait_for(sem_t *semaphore) {
        while (sem_wait(semaphore) < 0)
                assert_int_equal(errno, EINTR);
}

static void pass_gate(struct thread_task *task) {
        struct gate *gate = container_of(task, struct gate, task);
        sigset_t blocked;
        gate->signals_are_blocked = pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 &&
                                    sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGCHLD) == 1;
        sem_post(&gate->is_running);
        wait_for(&gate->may_end);
}

static void gate_done(struct thread_task *task) {
        container_of(task, struct gate, task)->is_done = true;
}

static void gate_init(struct gate *gate) {
        *gate = (struct gate) { .task = { .run = pass_gate, .done = gate_done } };
        assert_int_equal(sem_init(&gate->is_running, 0, 0), 0);
        assert_int_equal(sem_init(&gate->may_end, 0, 0), 0);
}

static void assert_depth(struct thread_pool *pool, size_t waiting, size_t running) {
        size_t found_waiting, found_running;
        thread_pool_depth(pool, &found_waiting, &found_running);
        assert_int_equal(found_waiting, waiting);
        assert_int_equal(found_running, running);
}

static void the_queue_is_bounded_and_freeing_empties_it(void **state) {
        (void) state;
        struct thread_pool *pool = NULL;
        struct loop *loop = NULL;
        struct gate gates[4];
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(thread_pool_new(1, 2, &pool), 0);
        for (size_t i = 0; i < 4; i++)
                gate_init(&gates[i]);
        assert_depth(pool, 0, 0);
        assert_int_equal(thread_pool_submit(pool, loop, &gates[0].task), 0);
        wait_for(&gates[0].is_running); /* by the only thread, so that the others wait */
        assert_int_equal(thread_pool_submit(pool, loop, &gates[1].task), 0);
        assert_int_equal(thread_pool_submit(pool, loop, &gates[2].task), 0);
        assert_int_equal(thread_pool_submit(pool, loop, &gates[3].task), -EAGAIN);
        assert_depth(pool, 2, 1);

        for (size_t i = 0; i < 3; i++)
                sem_post(&gates[i].may_end);
        thread_pool_free(pool);
        for (size_t i = 0; i < 3; i++) {
                assert_false(gates[i].is_done); /* the loop has not run */
                assert_true(gates[i].signals_are_blocked);
        }
        loop_free(loop);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(gates[i].is_done, i < 3);
                sem_destroy(&gates[i].is_running);
                sem_destroy(&gates[i].may_end);
        }
}

static void the_makers_signals_are_as_before(void **state) {
        (void) state;
        sigset_t before, after;
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        struct thread_pool *pool = NULL;
        assert_int_equal(thread_pool_new(2, 1, &pool), 0);
        pthread_sigmask(SIG_SETMASK, NULL, &after);
        for (int i = 1; i < 32; i++)
                assert_int_equal(sigismember(&before, i), sigismember(&after, i));
        thread_pool_free(pool);
        thread_pool_free(NULL);
}

static void a_pool_needs_threads(void **state) {
        (void) state;
        struct thread_pool *pool = NULL;
        assert_int_equal(thread_pool_new(0, 1, &pool), -EINVAL);
        assert_null(pool);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tasks_come_back_to_the_loop_they_came_from),
                cmocka_unit_test(the_queue_is_bounded_and_freeing_empties_it),
                cmocka_unit_test(the_makers_signals_are_as_before),
                cmocka_unit_test(a_pool_needs_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
