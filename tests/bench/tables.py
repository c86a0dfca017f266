# SPDX-License-Identifier: Apache-2.0
"""The output: tables of text, the bars with what was reached, and everything as JSON."""

import rows

COLUMNS = ("floor", "ours", "nginx", "h2o", "lighttpd", "caddy", "haproxy", "nghttpd")
MARK = "~"  # of a figure whose rounds differ much, or whose core others used
NONE = "-"


def number(metric, form):
    """How a cell shows one metric."""

    def show(result):
        value = result.median(metric)
        return NONE if value is None else form.format(value) + (MARK if result.is_noisy(metric) else "")

    return show


def rate(result):
    value = result.median("per_second")
    if value is None:
        return NONE
    return (f"{value:.0f}" if value >= 100 else f"{value:.3g}") + (MARK if result.is_noisy("per_second") else "")


def latency(result):
    values = [result.median(metric) for metric in ("p50_us", "p99_us", "p999_us")]
    return NONE if None in values else " / ".join(f"{value:.0f}" for value in values)


CPU = ("server CPU, us per request", number("cpu_us", "{:.1f}"), "cpu_us")
RATE = ("answers per second, closed loop unless said otherwise", rate, None)
LATENCY = ("latency at the row's fixed rate: p50 / p99 / p99.9, us", latency, None)

# For each table of rows.py: heading, cell, and the metric of which ratios are shown.
VIEWS = {
    rows.MAIN: (CPU, RATE, LATENCY),
    rows.HTTP2: (CPU, RATE),
    rows.LOGGED: (CPU, RATE, LATENCY),
    rows.SHAKES: (("server CPU, us per handshake", number("cpu_us", "{:.1f}"), "cpu_us"),
                  ("handshakes per second", rate, None),
                  ("new tickets that a handshake brings", number("tickets", "{:.1f}"), None)),
    rows.MEMORY: (("growth of resident memory, bytes per connection", number("bytes", "{:.0f}"), None),),
    rows.IDLE: (("p99 of the 64 alone, us", number("p99_alone_us", "{:.0f}"), None),
                ("p99 of the 64 beside the idle ones, us", number("p99_us", "{:.0f}"), None),
                ("the second as a ratio of the first", number("p99_ratio", "{:.2f}"), None)),
    rows.START: (("milliseconds", number("ms", "{:.1f}"), None),),
    rows.RELOAD: (("requests lost", number("lost", "{:.0f}"), None),
                  ("worst wait, ms", number("worst_ms", "{:.1f}"), None)),
    rows.FLAT: (CPU, RATE),
}


def best_peer(results, metric, work=None):
    """The lowest figure among the peers, and whose it is; with a metric of work, among those that do as much of it as ours."""
    least = 0.9 * (results["ours"].median(work) or 0) if work else 0
    found = [(result.median(metric), name) for name, result in results.items()
             if name not in ("floor", "ours") and result.median(metric) is not None and
             (not work or (result.median(work) or 0) >= least)]
    return min(found) if found else (None, None)


def ratio(results, name, metric):
    if "ours" not in results:
        return None
    mine = results["ours"].median(metric)
    other = best_peer(results, metric)[0] if name == "peer" else \
        results[name].median(metric) if name in results else None
    return mine / other if mine and other else None


def layout(lines):
    """Columns as wide as their widest cell, the first to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]


def render_view(view, measured, columns):
    heading, show, ratios = view
    lines = [["", *columns, *(("ours/floor", "ours/best peer") if ratios else ())]]
    for row, results in measured:
        cells = [show(results[name]) if name in results else NONE for name in columns]
        if all(cell == NONE for cell in cells):
            continue
        if ratios:
            for other in ("floor", "peer"):
                value = ratio(results, other, ratios)
                cells.append(NONE if value is None else f"{value:.2f}")
        lines.append([row.title, *cells])
    return [heading, *("  " + line for line in layout(lines)), ""] if len(lines) > 1 else []


def render_codings(measured):
    lines = []
    for row, results in measured:
        if row.coding:
            said = ", ".join(f"{name} {result.coding or 'none'}" for name, result in results.items()
                             if name != "floor" and result.rounds)
            lines.append(f"codings in '{row.title}': {said}")
    return lines


def render_notes(measured):
    """What a server could not do."""
    return [f"'{row.title}', {name}: {' | '.join(result.note().splitlines()[:4])}"
            for row, results in measured for name, result in results.items() if result.note()]


def render_tables(measured, columns):
    out = []
    for table, views in VIEWS.items():
        its = [(row, results) for row, results in measured if row.table == table]
        if not its:
            continue
        out += [f"== {table}", ""]
        for view in views:
            out += render_view(view, its, columns)
        notes = render_codings(its) + render_notes(its)
        out += notes + [""] if notes else []
    return out


def limits(bar, results, by_key):
    """Each limit that a bar sets here: what it is, in words and in the metric's unit."""

    def of(name):
        return results[name].median(bar.metric) if name in results else None

    if bar.floor and of("floor"):
        yield f"{bar.floor:.2f} x floor", bar.floor * of("floor")
    if bar.floor_plus and of("floor") is not None:
        yield f"floor + {bar.floor_plus:g}", of("floor") + bar.floor_plus
    if bar.absolute is not None:
        yield f"{bar.absolute:g}", bar.absolute
    value, name = best_peer(results, bar.metric, bar.work) if bar.peers else (None, None)
    if value:
        yield f"best peer ({name})" + (f" with as many {bar.work}" if bar.work else ""), value
    if bar.peer and of(bar.peer):
        yield (bar.peer if bar.ratio == 1 else f"{bar.ratio:.2f} x {bar.peer}"), bar.ratio * of(bar.peer)
    if bar.row and bar.row in by_key and "ours" in by_key[bar.row]:
        base = by_key[bar.row]["ours"].median(bar.metric)
        if base:
            yield f"{bar.ratio:.2f} x '{bar.row}'", bar.ratio * base
            # What grows for the floor as well is the kernel's and the CPU's caches, not ours.
            under = by_key[bar.row]["floor"].median(bar.metric) if "floor" in by_key[bar.row] else None
            if under and of("floor"):
                yield "the same, grown as the floor", bar.ratio * base * of("floor") / under


def judge(measured):
    """One entry for each limit: row, metric, ours, the limit in words, its value, whether it was met."""
    by_key = {row.key: results for row, results in measured}
    found = []
    for row, results in measured:
        mine = results.get("ours")
        if mine and mine.failure:
            found.append({"row": row.key, "metric": "failed", "ours": None, "limit": NONE, "at": None, "met": False})
        for bar in row.bars:
            value = mine.median(bar.metric) if mine else None
            if value is None:
                continue
            for words, limit in limits(bar, results, by_key):
                found.append({"row": row.key, "metric": bar.metric, "ours": value, "limit": words, "at": limit,
                              "met": value <= limit})
    return found


def render_bars(judged):
    if not judged:
        return []
    lines = [["row", "figure", "ours", "at most", "that is", ""]]
    for one in judged:
        ours, limit = (NONE if one[of] is None else f"{one[of]:.4g}" for of in ("ours", "at"))
        lines.append([one["row"], one["metric"], ours, one["limit"], limit, "met" if one["met"] else "MISSED"])
    met = sum(one["met"] for one in judged)
    return ["== Bars", "", *("  " + line for line in layout(lines)), "", f"{met} of {len(judged)} bars met"]


def render_machine(machine, versions):
    lines = [
        f"machine: {machine['cpu']}, {machine['cores']} cores, kernel {machine['kernel']}, {machine['system']}",
        f"server on core {machine['server_core']}, load on core {machine['load_core']}",
        "load average before the run: {} {} {}; cores {:.0%} busy, {:.0%} taken by the host".format(
            *machine["load_average"], machine["busy"], machine["stolen"]),
    ]
    if machine["server_core"] == machine["load_core"]:
        lines.append("WARNING: one core only; server and load share it, and nothing here means much")
    if not machine["quiet"]:
        lines.append("WARNING: the machine was not quiet; trust ratios of CPU at most, and no latency")
    return lines + ["; ".join(version for version in versions if version)]


def as_json(machine, versions, settings, measured, judged):
    return {
        "machine": machine,
        "versions": versions,
        "settings": settings,
        "rows": [{"key": row.key, "title": row.title, "table": row.table,
                  "servers": {name: {"rounds": result.rounds, "coding": result.coding, "note": result.note()}
                              for name, result in results.items()}} for row, results in measured],
        "bars": judged,
    }
