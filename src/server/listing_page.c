/* SPDX-License-Identifier: Apache-2.0 */
/* Writes listings. Names come from whoever can write into a folder: each is escaped for the place where it stands, and
 * the page runs no script and loads nothing. */
#include "server/listing.h"

#include <time.h>

static const char page_head[] = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";
static const char page_style[] =
                "</title>\n<style>\n"
                ":root{--ground:#fbfbfa;--ink:#1f2328;--faint:#667085;--line:#e4e4e0;--accent:#0b61c4;--hover:#f0f4fa}"
                "\n"
                "@media(prefers-color-scheme:dark){:root{--ground:#15171a;--ink:#e6e6e3;--faint:#9aa3af;--line:#2b2f36;"
                "--accent:#7ab3ff;--hover:#1e232b}}\n"
                "*{box-sizing:border-box}\n"
                "body{margin:0 auto;max-width:60rem;padding:2.5rem 1.25rem "
                "4rem;background:var(--ground);color:var(--ink);"
                "font:1rem/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\n"
                "h1{margin:0 0 1.5rem;font-size:1.35rem;font-weight:600;overflow-wrap:anywhere}\n"
                "a{color:var(--accent);text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}\n"
                "table{width:100%;border-collapse:collapse}\n"
                "th,td{padding:.45rem .6rem;border-bottom:1px solid var(--line);text-align:left}\n"
                "th{font-size:.8rem;font-weight:600;white-space:nowrap}th a{color:var(--faint)}\n"
                "th[aria-sort] a{color:var(--ink)}th:first-child{width:100%}\n"
                "td{vertical-align:top;overflow-wrap:anywhere}tbody tr:hover{background:var(--hover)}\n"
                ".n{text-align:right;white-space:nowrap;color:var(--faint);font-variant-numeric:tabular-nums}\n"
                ".d{font-weight:600}\n"
                "p,nav{margin:1.25rem 0 0;color:var(--faint);font-size:.875rem}\n"
                "nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}nav [aria-disabled]{opacity:.5}\n"
                "@media(max-width:34rem){.t{display:none}}\n"
                "</style>\n</head>\n<body>\n<main>\n<h1>";

/* As the query of an address names them. */
static const char *const order_words[] = {
        [LISTING_BY_NAME] = "name",
        [LISTING_BY_SIZE] = "size",
        [LISTING_BY_TIME] = "time",
};

/* An address in an attribute: "&copy" in a name is not the sign. */
static void append_uri(struct text *text, struct slice path) {
        for (const char *at; path.length > 0 && (at = memchr(path.data, '&', path.length));) {
                text_append_uri_path(text, (struct slice) { path.data, (size_t) (at - path.data) });
                text_append_string(text, "&amp;");
                path = slice_from(path, (size_t) (at - path.data) + 1);
        }
        text_append_uri_path(text, path);
}

/* Each folder of the path as a link. */
static void append_title(struct text *text, struct slice path) {
        text_append_string(text, "<a href=\"/\">/</a>");
        for (size_t start = 1, i = 1; i < path.length; i++) {
                if (path.data[i] != '/')
                        continue;
                text_append_string(text, "<a href=\"");
                append_uri(text, (struct slice) { path.data, i + 1 });
                text_append_string(text, "\">");
                text_append_html(text, (struct slice) { path.data + start, i - start });
                text_append_string(text, "</a>/");
                start = i + 1;
        }
}

static void append_column(struct text *text, struct listing_view view, enum listing_order order, const char *title,
                          const char *class) {
        bool is_current = view.order == order;
        text_printf(text, "<th scope=\"col\" class=\"%s\"%s><a href=\"?sort=%s%s\">%s%s</a></th>\n", class,
                    !is_current          ? ""
                    : view.is_descending ? " aria-sort=\"descending\""
                                         : " aria-sort=\"ascending\"",
                    order_words[order], is_current && !view.is_descending ? "&amp;order=descending" : "", title,
                    !is_current          ? ""
                    : view.is_descending ? " &#9662;"
                                         : " &#9652;");
}

static void append_size(struct text *text, uint64_t size) {
        static const char units[] = "KMGTPE";
        if (size < 1024) {
                text_printf(text, "%u B", (unsigned) size);
                return;
        }
        unsigned unit = 0;
        while (size >= 1024 * 1024 && unit + 2 < sizeof(units)) {
                size /= 1024;
                unit++;
        }
        text_printf(text, "%.1f %ciB", (double) size / 1024, units[unit]);
}

/* "2025-11-22T20:50:00Z" for programs, without the letters and the seconds for people. */
static void append_time(struct text *text, int64_t seconds, bool for_people) {
        time_t when = (time_t) seconds;
        struct tm parts;
        char formatted[64];
        if (!gmtime_r(&when, &parts))
                return;
        if (for_people ? strftime(formatted, sizeof(formatted), "%Y-%m-%d %H:%M", &parts)
                       : strftime(formatted, sizeof(formatted), "%Y-%m-%dT%H:%M:%SZ", &parts))
                text_append_string(text, formatted);
}

static void append_row(struct text *text, const struct listing_item *item) {
        /* "./" in front, so that a name with a colon is not taken for a scheme. */
        text_append_string(text, item->is_folder ? "<tr><td class=\"d\"><a href=\"./" : "<tr><td><a href=\"./");
        append_uri(text, item->name);
        text_append_string(text, item->is_folder ? "/\">" : "\">");
        text_append_html(text, item->name);
        text_append_string(text, item->is_folder ? "/</a></td><td class=\"n\">" : "</a></td><td class=\"n\">");
        if (!item->is_folder)
                append_size(text, item->size);
        text_append_string(text, "</td><td class=\"n t\"><time datetime=\"");
        append_time(text, item->modified, false);
        text_append_string(text, "\">");
        append_time(text, item->modified, true);
        text_append_string(text, "</time></td></tr>\n");
}

/* A link to another page of the same order; without an address when that is this very page or there is none. */
static void append_page_link(struct text *text, struct listing_view view, bool is_there, unsigned page,
                             const char *title) {
        if (!is_there) {
                text_printf(text, "<span aria-disabled=\"true\">%s</span>\n", title);
                return;
        }
        text_printf(text, "<a href=\"?sort=%s%s&amp;page=%u\">%s</a>\n", order_words[view.order],
                    view.is_descending ? "&amp;order=descending" : "", page + 1, title);
}

static void append_pages(struct text *text, const struct listing *listing, struct listing_view view) {
        unsigned count = listing_page_count(listing, view), page = view.page;
        if (count == 1)
                return;
        text_append_string(text, "<nav aria-label=\"Pages\">\n");
        append_page_link(text, view, page > 0, 0, "First");
        append_page_link(text, view, page > 0, page - 1, "Previous");
        text_printf(text, "<span aria-current=\"page\">Page %u of %u</span>\n", page + 1, count);
        append_page_link(text, view, page + 1 < count, page + 1, "Next");
        append_page_link(text, view, page + 1 < count, count - 1, "Last");
        text_append_string(text, "</nav>\n");
}

static void append_note(struct text *text, const struct listing *listing) {
        if (listing->is_cut)
                text_printf(text,
                            "<p>This folder holds more than %d names; only so many were looked at, and not all are "
                            "shown.</p>\n",
                            LISTING_NAMES_MAX);
        if (listing->count == 0)
                text_append_string(text, "<p>This folder is empty.</p>\n");
        else
                text_printf(text, "<p>%zu %s. Times are in UTC.</p>\n", listing->count,
                            listing->count == 1 ? "entry" : "entries");
}

static void append_head(struct text *text, struct slice path, struct listing_view view) {
        text_append_string(text, page_head);
        text_append_html(text, path);
        text_append_string(text, page_style);
        append_title(text, path);
        text_append_string(text, "</h1>\n<table>\n<thead><tr>\n");
        append_column(text, view, LISTING_BY_NAME, "Name", "");
        append_column(text, view, LISTING_BY_SIZE, "Size", "n");
        append_column(text, view, LISTING_BY_TIME, "Modified", "n t");
        text_append_string(text, "</tr></thead>\n<tbody>\n");
        if (path.length > 1)
                text_append_string(text,
                                   "<tr><td class=\"d\"><a href=\"../\">../</a></td><td></td><td class=\"t\"></td>"
                                   "</tr>\n");
}

void listing_append_page(struct listing *listing, struct slice path, struct listing_view view, struct text *text) {
        const uint32_t *positions = listing_sorted(listing, view);
        if (!positions) {
                text->failed = true;
                return;
        }
        append_head(text, path, view);
        size_t end;
        for (size_t i = listing_page_range(listing, view, &end); i < end; i++)
                append_row(text, &listing->items[positions[i]]);
        text_append_string(text, "</tbody>\n</table>\n");
        append_pages(text, listing, view);
        append_note(text, listing);
        text_append_string(text, "</main>\n</body>\n</html>\n");
}

static void append_object(struct text *text, const struct listing_item *item) {
        text_append_string(text, "\n{\"name\":");
        text_append_json(text, item->name);
        text_printf(text, ",\"type\":\"%s\",\"href\":\"./", item->is_folder ? "folder" : "file");
        text_append_uri_path(text, item->name);
        text_append_string(text, item->is_folder ? "/\"" : "\"");
        if (!item->is_folder)
                text_printf(text, ",\"size\":%llu", (unsigned long long) item->size);
        text_append_string(text, ",\"modified\":\"");
        append_time(text, item->modified, false);
        text_append_string(text, "\"}");
}

void listing_append_json(struct listing *listing, struct slice path, struct listing_view view, struct text *text) {
        const uint32_t *positions = listing_sorted(listing, view);
        unsigned pages = listing_page_count(listing, view);
        if (!positions) {
                text->failed = true;
                return;
        }
        text_append_string(text, "{\"path\":");
        text_append_json(text, path);
        text_printf(text, ",\"complete\":%s,\"count\":%zu,\"page\":%u,\"pages\":%u",
                    listing->is_cut || pages > 1 ? "false" : "true", listing->count, view.page + 1, pages);
        if (view.page + 1 < pages)
                text_printf(text, ",\"next\":\"?sort=%s%s&page=%u\"", order_words[view.order],
                            view.is_descending ? "&order=descending" : "", view.page + 2);
        text_append_string(text, ",\"entries\":[");
        size_t end;
        for (size_t start = listing_page_range(listing, view, &end), i = start; i < end; i++) {
                if (i > start)
                        text_append_char(text, ',');
                append_object(text, &listing->items[positions[i]]);
        }
        text_append_string(text, "\n]}\n");
}
