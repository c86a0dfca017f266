/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "server/upload/tus_fields.h"
#include "shared/text.h"

/*
 * What is kept of a resumable upload beside its bytes, as the text of a small file. What changes while it goes on has a
 * fixed place in it and is written over, within one sector, so that it is there in its old or in its new form whatever
 * happens.
 */
#define TUS_RECORD_MAX 32768 /* bytes */
#define TUS_RECORD_STATE_OFFSET 19
#define TUS_RECORD_STATE_SIZE 29 /* with its NUL */

struct tus_record {
        uint64_t length;       /* bytes of the whole */
        uint64_t saved;        /* bytes that are there for good */
        bool is_complete;      /* and, unless it is a partial one, in place */
        struct slice concat;   /* Upload-Concat; data == NULL: none */
        struct slice name;     /* beneath the folder */
        struct slice metadata; /* Upload-Metadata; data == NULL: none */
};

void tus_record_append(struct text *text, const struct tus_record *record);

/* The part that changes, to be written at TUS_RECORD_STATE_OFFSET without its NUL. */
void tus_record_format_state(const struct tus_record *record, char ret_text[TUS_RECORD_STATE_SIZE]);

/* Views of the text. -EBADMSG for what was not written by the above, or not to its end. */
int tus_record_parse(struct slice text, struct tus_record *ret_record);
