/* SPDX-License-Identifier: Apache-2.0 */
/* The lists behind enum cli_words. */
#include <stdio.h>
#include <string.h>

#include "cli/reference/completion.h"
#include "cli/services.h"
#include "shared/cause.h"
#include "shared/config_value.h"
#include "shared/scope.h"

static void append_word(struct text *text, const char *word) {
        text_printf(text, "%s%s", text->length > 0 ? " " : "", word);
}

static void append_keys(struct text *text, const struct config_table *table, const struct config_section *section) {
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                const struct config_section inner = { section, key->name, false };
                if (key->type == CONFIG_TABLE) {
                        append_keys(text, key->table, &inner);
                        continue;
                }
                text_append_string(text, text->length > 0 ? " " : "");
                config_section_append_path(text, &inner);
        }
}

static void list_words(struct text *text, enum cli_words words) {
        const struct config_section root = { 0 };
        switch (words) {
        case CLI_WORDS_NONE:
        case CLI_WORDS_FILE:
        case CLI_WORDS_FOLDER:
                break;
        case CLI_WORDS_CAUSE:
                for (int cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++)
                        append_word(text, cause_entry((enum cause) cause)->code);
                break;
        case CLI_WORDS_COLOUR:
                text_append_string(text, "auto always never");
                break;
        case CLI_WORDS_CONFIG_KEY:
                append_keys(text, &config_root_table, &root);
                break;
        case CLI_WORDS_PRIORITY:
                text_append_string(text, "emerg alert crit err warning notice info debug");
                break;
        case CLI_WORDS_ROLE:
                for (int role = 0; role < ROLE_COUNT; role++)
                        append_word(text, role_name((enum role) role));
                break;
        case CLI_WORDS_SCOPE:
                text_append_string(text, "upload: download:");
                break;
        case CLI_WORDS_SERVICE:
                for (const struct cli_service *service = cli_services; service->name; service++)
                        append_word(text, service->name);
                break;
        case CLI_WORDS_SPAN:
                text_append_string(text, "today yesterday 5min 15min 1h 1d");
                break;
        }
}

void completion_append_words(struct text *text, enum cli_words words) {
        _cleanup_text_ struct text list = TEXT_INIT;
        list_words(&list, words);
        text->failed = text->failed || list.failed;
        text_append(text, (struct slice) { list.data, list.length });
}

void completion_each_group(struct text *text, void (*write)(struct text *text, const char *first)) {
        char last[32] = "";
        for (const struct cli_verb *verb = cli_verbs; verb->name; verb++) {
                size_t length = strcspn(verb->name, " ");
                if (verb->name[length] != ' ' || (strlen(last) == length && strncmp(verb->name, last, length) == 0))
                        continue;
                (void) snprintf(last, sizeof(last), "%.*s", (int) length, verb->name);
                write(text, last);
        }
}
