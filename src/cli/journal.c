/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the journal by sd-journal. What an entry says is a stranger's word: output.c lets none of it steer the
 * terminal. */
#include "cli/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "cli/services.h"
#include "shared/syscall.h"

#define USEC_PER_SECOND UINT64_C(1000000)

static void journal_cleanup(sd_journal **journal) {
        sd_journal_close(*journal);
}

static int add_match(sd_journal *journal, const char *name, const char *value) {
        _cleanup_text_ struct text match = TEXT_INIT;
        text_printf(&match, "%s=%s", name, value);
        return match.failed ? -ENOMEM : sd_journal_add_match(journal, match.data, match.length);
}

/* What the unit wrote, or what systemd wrote of it. */
static int match_unit(sd_journal *journal, const char *unit) {
        int r = add_match(journal, "_SYSTEMD_UNIT", unit);
        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        if (r >= 0)
                r = add_match(journal, "_PID", "1");
        if (r >= 0)
                r = add_match(journal, "UNIT", unit);
        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        return r;
}

static int match_units(sd_journal *journal, const struct journal_query *query) {
        int r = 0;
        for (size_t i = 0; i < query->unit_count && r >= 0; i++)
                r = match_unit(journal, query->units[i]);
        if (query->unit_count > 0)
                return r;
        for (const struct cli_service *service = cli_services; service->name && r >= 0; service++) {
                r = match_unit(journal, service->unit);
                if (r >= 0 && service->standby)
                        r = match_unit(journal, service->standby);
        }
        return r;
}

static int match_all(sd_journal *journal, const struct journal_query *query, struct error *error) {
        int r = match_units(journal, query);
        if (r >= 0)
                r = sd_journal_add_conjunction(journal);
        for (int i = 0; i <= query->priority && query->priority < 7 && r >= 0; i++)
                r = add_match(journal, "PRIORITY", (const char[]) { (char) ('0' + i), '\0' });
        for (size_t i = 0; i < query->field_count && r >= 0; i++) {
                r = sd_journal_add_match(journal, query->fields[i], 0);
                if (r == -EINVAL)
                        return error_set(error, r,
                                         "'%s' is no match; write FIELD=VALUE, with the field in capital letters",
                                         query->fields[i]);
        }
        return r < 0 ? error_set_errno(error, r, "choosing the journal's entries") : 0;
}

static uint64_t entry_time(sd_journal *journal) {
        uint64_t usec = 0;
        (void) sd_journal_get_realtime_usec(journal, &usec);
        return usec;
}

static uint64_t now_usec(void) {
        struct timespec time;
        (void) clock_gettime(CLOCK_REALTIME, &time);
        return (uint64_t) time.tv_sec * USEC_PER_SECOND + (uint64_t) time.tv_nsec / 1000;
}

/* Goes back from the end by as many entries as are wanted, but not beyond `since`. */
static int find_newest(sd_journal *journal, const struct journal_query *query) {
        int r = query->until ? sd_journal_seek_realtime_usec(journal, (uint64_t) query->until + 1)
                             : sd_journal_seek_tail(journal);
        if (r >= 0)
                r = sd_journal_previous_skip(journal, query->lines);
        while (r > 0 && query->since && entry_time(journal) < (uint64_t) query->since)
                r = sd_journal_next(journal);
        return r;
}

/* Stands on the first entry that is to be shown: 1; or there is none: 0. */
static int find_first(sd_journal *journal, const struct journal_query *query) {
        int r = 0;
        if (query->lines == UINT64_MAX) {
                r = query->since ? sd_journal_seek_realtime_usec(journal, (uint64_t) query->since)
                                 : sd_journal_seek_head(journal);
                if (r >= 0)
                        r = sd_journal_next(journal);
        } else if (query->lines > 0)
                r = find_newest(journal, query);
        /* From the end there is no next one: what is still to come is reached from now on. */
        if (r == 0 && query->follow)
                r = sd_journal_seek_realtime_usec(journal, now_usec());
        return r < 0 ? r : r > 0;
}

static struct slice field(sd_journal *journal, const char *name) {
        const void *data;
        size_t length, skipped = strlen(name) + 1;
        if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skipped)
                return SLICE_NULL;
        return (struct slice) { (const char *) data + skipped, length - skipped };
}

static enum output_style style_of(struct slice priority) {
        char level = priority.length == 1 ? *priority.data : '6';
        if (level <= '3')
                return OUTPUT_BAD;
        if (level <= '5')
                return level == '4' ? OUTPUT_WARNING : OUTPUT_STRONG;
        return level == '7' ? OUTPUT_FAINT : OUTPUT_PLAIN;
}

static void print_text(struct output *output, sd_journal *journal) {
        _cleanup_text_ struct text message = TEXT_INIT;
        struct tm parts;
        char when[32] = "";
        time_t seconds = (time_t) (entry_time(journal) / USEC_PER_SECOND);
        if (localtime_r(&seconds, &parts))
                (void) strftime(when, sizeof(when), "%b %d %T", &parts);

        /* A field is only valid until the next one is asked for. */
        struct slice words = field(journal, "SYSLOG_IDENTIFIER");
        if (!words.data)
                words = field(journal, "_COMM");
        output_print(output, OUTPUT_FAINT, "%s ", when);
        output_print(output, OUTPUT_PLAIN, "%.*s", SLICE_PRINTF(words));
        words = field(journal, "_PID");
        if (words.data)
                output_print(output, OUTPUT_PLAIN, "[%.*s]", SLICE_PRINTF(words));
        enum output_style style = style_of(field(journal, "PRIORITY"));
        output_append_safe(&message, field(journal, "MESSAGE"), "\n                ");
        output_print(output, OUTPUT_PLAIN, ": ");
        output_print(output, style, "%s\n", message.data ? message.data : "");
}

/* A field that occurs more than once becomes an array. */
static void add_field(struct json_object *object, const char *name, struct json_object *value) {
        struct json_object *there = NULL;
        if (!json_object_object_get_ex(object, name, &there)) {
                json_object_object_add(object, name, value);
        } else if (json_object_is_type(there, json_type_array)) {
                json_object_array_add(there, value);
        } else {
                struct json_object *array = json_object_new_array();
                json_object_array_add(array, json_object_get(there));
                json_object_array_add(array, value);
                json_object_object_add(object, name, array);
        }
}

static void print_json(struct output *output, sd_journal *journal) {
        struct json_object *object = json_object_new_object();
        _cleanup_free_ char *cursor = NULL;
        char when[24];
        const void *data;
        size_t length;
        (void) snprintf(when, sizeof(when), "%llu", (unsigned long long) entry_time(journal));
        json_object_object_add(object, "__REALTIME_TIMESTAMP", output_json_string(when));
        if (sd_journal_get_cursor(journal, &cursor) >= 0)
                json_object_object_add(object, "__CURSOR", output_json_string(cursor));
        sd_journal_restart_data(journal);
        while (sd_journal_enumerate_available_data(journal, &data, &length) > 0) {
                const char *equals = memchr(data, '=', length);
                if (!equals)
                        continue;
                _cleanup_free_ char *name = strndup(data, (size_t) (equals - (const char *) data));
                struct slice value = { equals + 1, length - (size_t) (equals + 1 - (const char *) data) };
                if (name)
                        add_field(object, name, output_json_slice(value));
        }
        output_json_line(output, object);
}

/* Waits for more entries: 1; or until nobody reads what is printed: 0. */
static int wait_for_more(sd_journal *journal, struct output *output) {
        for (;;) {
                struct pollfd fds[] = {
                        { .fd = sd_journal_get_fd(journal), .events = (short) sd_journal_get_events(journal) },
                        { .fd = fileno(output->stream), .events = 0 },
                };
                if (fds[0].fd < 0)
                        return fds[0].fd;
                /* Once a second it is looked again, also where files cannot be watched. */
                int r = poll(fds, ELEMENTS_OF(fds), 1000);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (fds[1].revents != 0)
                        return 0;
                r = sd_journal_process(journal);
                if (r != SD_JOURNAL_NOP)
                        return r < 0 ? r : 1;
        }
}

static int show_all(struct cli *cli, sd_journal *journal, const struct journal_query *query, struct output *output) {
        uint64_t shown = 0;
        int r = find_first(journal, query);
        while (r >= 0) {
                if (r > 0) {
                        if (query->until && entry_time(journal) > (uint64_t) query->until)
                                break;
                        if (cli->json)
                                print_json(output, journal);
                        else
                                print_text(output, journal);
                        shown++;
                } else {
                        (void) fflush(output->stream);
                        r = query->follow ? wait_for_more(journal, output) : 0;
                        if (r <= 0)
                                break;
                }
                r = sd_journal_next(journal);
        }
        if (r >= 0 && shown == 0 && !query->follow)
                cli_note(cli, geteuid() == 0 ? "No entries."
                                             : "No entries. The system's journal is read by root and by the groups "
                                               "systemd-journal and adm.");
        return r < 0 ? r : 0;
}

int journal_show(struct cli *cli, const struct journal_query *query, struct output *output, struct error *error) {
        _cleanup_(journal_cleanup) sd_journal *journal = NULL;
        int r = query->directory ? sd_journal_open_directory(&journal, query->directory, 0)
                                 : sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
        if (r < 0)
                return error_set_errno(error, r, "opening the journal%s%s", query->directory ? " in " : "",
                                       query->directory ? query->directory : "");
        (void) sd_journal_set_data_threshold(journal, 0);
        r = match_all(journal, query, error);
        if (r >= 0)
                r = show_all(cli, journal, query, output ? output : &cli->out);
        return r < 0 ? error_set_errno(error, r, "reading the journal") : 0;
}
