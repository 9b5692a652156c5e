# SPDX-License-Identifier: GPL-2.0-or-later
"""Plots as SVG, drawn by gnuplot."""

import subprocess

from goals import cpu
from measures import Latencies
from trials import CALLERS, KEPT, NEW

STYLE = """\
set terminal svg size 800,380 font "sans-serif,13" background rgb "white"
set grid linecolor rgb "#cccccc" linewidth 0.5
set key outside right top Left reverse samplen 2
set border 3
set tics nomirror
"""
COLOURS = ("#888888", "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def draw(path, commands, series):
    """`series`: (title, colour, dash type, [(x, y), ...]). The script stays beside the plot."""
    blocks, curves = [], []
    for number, (title, colour, dash, points) in enumerate(series):
        rows = "\n".join(f"{x!r} {y!r}" for x, y in points)
        blocks.append(f"$data{number} << END\n{rows}\nEND\n")
        curves.append(
            f'$data{number} with {"linespoints pt 7 ps 0.5" if len(points) < 9 else "lines"}'
            f' lw 2 dt {dash} lc rgb "{colour}" title "{title}"'
        )
    script = path.with_suffix(".gnuplot")
    head = STYLE + f'set output "{path}"\n' + commands
    script.write_text(head + "".join(blocks) + "plot " + ", \\\n".join(curves) + "\n")
    subprocess.run(["gnuplot", script], check=True)


def latency_points(latencies):
    """Milliseconds, and the percentage of checks that took less."""
    total, done, points = sum(latencies.buckets.values()), 0, []
    for start in sorted(latencies.buckets):
        points.append((start * 1000, 100 * done / total))
        done += latencies.buckets[start]
    return [*points, (latencies.longest * 1000, 100.0)]


def draw_latencies(trials, path):
    series = []
    for colour, contender in zip(COLOURS, trials.field.all):
        rounds = trials.checks[contender, NEW, 16]
        points = latency_points(Latencies.merged(t.latencies for t in rounds))
        series.append((contender.name, colour, 1, points))
    commands = """\
set logscale x
set xlabel "milliseconds to the answer, 16 callers, a new connection for each check"
set ylabel "share of checks, %"
set yrange [0:100]
"""
    draw(path, commands, series)


def cost_points(trials, contender, connection):
    """Callers, and microseconds of CPU per check."""
    points = []
    for callers in CALLERS:
        if (contender, connection, callers) in trials.checks:
            costs = trials.spread(contender, connection, callers, cpu)
            points.append((callers, 1e6 * costs.median))
    return points


def draw_cost(trials, path):
    series = []
    for colour, contender in zip(COLOURS, trials.field.all):
        for connection, dash, words in ((NEW, 1, ""), (KEPT, 2, ", kept")):
            points = cost_points(trials, contender, connection)
            if points:
                series.append((contender.name + words, colour, dash, points))
    commands = """\
set logscale xy
set xlabel "callers"
set ylabel "microseconds of CPU per check"
set xrange [1:256]
set xtics (1, 16, 64, 256)
"""
    draw(path, commands, series)
