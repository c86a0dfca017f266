/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers the faults of a configuration, so that its author sees all of them at once. A line is bounded whatever was
 * written in the file: values come through config_excerpt. */
#include "shared/config_fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_LENGTH 768
#define EXCERPT_MAX_LENGTH 48

void config_faults_done(struct config_faults *faults) {
        text_done(&faults->text);
}

void config_faults_add(struct config_faults *faults, const struct config_origin *origin, const char *format, ...) {
        if (faults->count++ >= CONFIG_FAULTS_SHOWN)
                return;

        char line[LINE_MAX_LENGTH];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);

        if (faults->count > 1)
                text_append_char(&faults->text, '\n');
        if (origin && origin->file)
                text_printf(&faults->text, "%s:%u:%u: ", origin->file, origin->line, origin->column);
        text_append_string(&faults->text, line);
}

int config_faults_report(const struct config_faults *faults, struct error *error) {
        if (faults->count == 0)
                return 0;
        if (faults->text.failed)
                return error_set_errno(error, -ENOMEM, "checking the configuration");
        if (faults->count > CONFIG_FAULTS_SHOWN)
                return error_set(error, -EINVAL, "%s\n" CONFIG_FAULTS_MORE, faults->text.data,
                                 faults->count - CONFIG_FAULTS_SHOWN);
        return error_set(error, -EINVAL, "%s", faults->text.data);
}

const char *config_excerpt(char buffer[CONFIG_EXCERPT_SIZE], const char *string) {
        size_t length = strnlen(string, EXCERPT_MAX_LENGTH + 1);
        bool cut = length > EXCERPT_MAX_LENGTH;
        if (cut) {
                length = EXCERPT_MAX_LENGTH;
                while (length > 0 && ((unsigned char) string[length] & 0xC0) == 0x80) /* not within a code point */
                        length--;
        }
        for (size_t i = 0; i < length; i++)
                buffer[i] = (string[i] == '\n' || string[i] == '\t') ? ' ' : string[i];
        memcpy(buffer + length, cut ? "..." : "", cut ? 4 : 1);
        return buffer;
}
