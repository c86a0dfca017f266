/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a form alone or in the place of a template's mark. Nothing is written unless all of it is there. */
#include "shared/reference_program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/syscall.h"

#define TEMPLATE_MAX ((size_t) 1024 * 1024)
#define MARK "@REFERENCE@\n"

static const struct reference_form *find_form(const struct reference_form *forms, const char *name) {
        while (forms->name && strcmp(forms->name, name) != 0)
                forms++;
        return forms->name ? forms : NULL;
}

static int fill_template(const char *path, const struct reference_form *form, struct text *text) {
        _cleanup_free_ char *template = NULL;
        size_t length;
        int r = read_whole_file(AT_FDCWD, path, TEMPLATE_MAX, &template, &length);
        if (r < 0)
                return r;
        const char *mark = strstr(template, MARK);
        if (!mark)
                return -ENODATA;
        text_append(text, (struct slice) { template, (size_t) (mark - template) });
        form->write(text);
        text_append_string(text, mark + strlen(MARK));
        return 0;
}

static int write_form(const char *name, const char *template, const struct reference_form *forms, struct text *text) {
        const struct reference_form *form = find_form(forms, name);
        if (!form)
                return -EINVAL;
        if (template)
                return fill_template(template, form, text);
        form->write(text);
        return 0;
}

int reference_program_main(int argc, char **argv, const struct reference_form *forms) {
        _cleanup_text_ struct text text = TEXT_INIT;
        int r = argc == 2 || argc == 3 ? write_form(argv[1], argv[2], forms, &text) : -EINVAL;
        if (r >= 0 && text.failed)
                r = -ENOMEM;
        if (r >= 0 && (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0))
                r = -EIO;
        if (r >= 0)
                return EXIT_SUCCESS;
        (void) fprintf(stderr, "%s: %s\nusage: %s FORM [TEMPLATE], where FORM is one of", argv[0], strerror(-r),
                       argv[0]);
        for (; forms->name; forms++)
                (void) fprintf(stderr, " %s", forms->name);
        (void) fputc('\n', stderr);
        return EXIT_FAILURE;
}
