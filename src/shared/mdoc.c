/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes text for mdoc: whatever the words are, none of them becomes a request. */
#include "shared/mdoc.h"

void mdoc_append_byte(struct text *text, char byte) {
        bool starts_line = text->length == 0 || text->data[text->length - 1] == '\n';
        if (starts_line && (byte == '.' || byte == '\''))
                text_append_string(text, "\\&");
        if (byte == '\\')
                text_append_string(text, "\\e");
        else if (byte == '"')
                text_append_string(text, "\\(dq");
        else
                text_append_char(text, byte);
}

void mdoc_append(struct text *text, const char *words) {
        for (; *words; words++) {
                bool ends_sentence = words[0] == '.' && words[1] == ' ' && words[2] >= 'A' && words[2] <= 'Z';
                mdoc_append_byte(text, *words);
                if (ends_sentence) {
                        text_append_char(text, '\n');
                        words++;
                }
        }
}
